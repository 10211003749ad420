/**
 * Creates the secrets of the Compose system in the volume mounted at `data/`: one folder per container, so that each
 * gets only what it needs. Existing secrets are not changed, even after an interrupted start. Runs in the users image.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ServiceName, serviceNames, servicesOn, system } from '../system.ts';

/** Returns the secret that an earlier start has written, or an empty string. */
function stored(name: string): string {
  const file = join('data', name);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
}

const newSecret = () => randomBytes(18).toString('base64url');

const secret = (name: string) => stored(name) || newSecret();

const rootPassword = secret('mongodb/root-password');
const serviceToken = secret('users/service-token');
const adminPassword = secret('users/admin-password');
const managementToken = secret('gateway/management-token');
const experimentsToken = secret('gateway/experiments-token');

/** The address of a service's database, with an account of its own. */
const storeUrlOf = (name: string) =>
  stored(`${name}/store-url`) || `mongodb://${name}:${newSecret()}@mongodb:27017/${name}?authSource=admin`;

const storeUrls = Object.fromEntries(servicesOn('mongodb').map((name) => [name, storeUrlOf(name)]));

/** The files of a service: what its row in the table of the system says that it needs. */
function filesOf(name: ServiceName): Record<string, string> {
  return {
    ...(name in storeUrls && { [`${name}/store-url`]: storeUrls[name] }),
    ...(system[name].serviceToken && { [`${name}/service-token`]: serviceToken }),
    ...(name === 'users' && { 'users/admin-password': adminPassword }),
    [`${name}/management-token`]: managementToken,
    [`${name}/experiments-token`]: experimentsToken,
  };
}

/** In this order, an interrupted start writes the file that is read above before other files with the same secret. */
const files: Record<string, string> = {
  'mongodb/root-password': rootPassword,
  ...Object.assign({}, ...serviceNames.map(filesOf)),
  'mongodb-users/root-url': `mongodb://root:${rootPassword}@mongodb:27017/admin`,
  ...Object.fromEntries(
    Object.entries(storeUrls).map(([name, url]) => [`mongodb-users/${name}-store-url`, url]),
  ),
  'grafana/admin-password': secret('grafana/admin-password'),
  // No receiver: replace this with the address of a chat or a pager.
  'alertmanager/webhook-url': 'http://127.0.0.1:9/',
};

for (const [name, text] of Object.entries(files)) {
  if (stored(name)) continue;
  const file = join('data', name);
  mkdirSync(dirname(file), { recursive: true });
  // Readable by every user, because containers run as different users. Each container sees only its own folder.
  writeFileSync(`${file}.new`, `${text}\n`, { mode: 0o644 });
  renameSync(`${file}.new`, file);
}
