/**
 * Makes the secrets of the Compose system, in the volume mounted at `data/`: a folder for each reader, so that each is
 * given only what it needs. What is there already is kept, also after a start that was cut off. Runs in the users image.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What an earlier start has written; empty if it has not. */
function kept(name: string): string {
  const file = join('data', name);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
}

const secret = (name: string) => kept(name) || randomBytes(18).toString('base64url');

const rootPassword = secret('mongodb/root-password');
const serviceToken = secret('users/service-token');
const adminPassword = secret('users/admin-password');
const passwords = {
  users: secret('mongodb-users/users-password'),
  billing: secret('mongodb-users/billing-password'),
};

const urlOf = (name: keyof typeof passwords) =>
  `mongodb://${name}:${passwords[name]}@mongodb:27017/${name}?authSource=admin`;

/** In this order: a secret's own file, which is read above, comes before all others that hold it. */
const files: Record<string, string> = {
  'mongodb/root-password': rootPassword,
  'mongodb-users/root-password': rootPassword,
  'mongodb-users/users-password': passwords.users,
  'mongodb-users/billing-password': passwords.billing,
  'users/store-url': urlOf('users'),
  'users/service-token': serviceToken,
  'users/admin-password': adminPassword,
  'billing/store-url': urlOf('billing'),
  'billing/service-token': serviceToken,
  'reporting/service-token': serviceToken,
  'grafana/admin-password': adminPassword,
  // Nobody is called: put the address of a chat or a pager here.
  'alertmanager/webhook-url': 'http://127.0.0.1:9/',
};

for (const [name, text] of Object.entries(files)) {
  if (kept(name)) continue;
  const file = join('data', name);
  mkdirSync(dirname(file), { recursive: true });
  // Readable by each user, as each container has its own; it sees its own folder only.
  writeFileSync(`${file}.new`, `${text}\n`, { mode: 0o644 });
  renameSync(`${file}.new`, file);
}
