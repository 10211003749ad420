/**
 * Makes the secrets of the Compose system at its first start, in the volume mounted at `data/`: a folder for each
 * reader, so that each is given only what it needs. What is there already is kept. Runs in the users image.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const secret = () => randomBytes(18).toString('base64url');

const rootPassword = secret();
const serviceToken = secret();
const adminPassword = secret();
const passwords = { users: secret(), billing: secret() };

const urlOf = (name: keyof typeof passwords) =>
  `mongodb://${name}:${passwords[name]}@mongodb:27017/${name}?authSource=admin`;

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

/** Written last: a start that was cut off begins again from nothing. */
const done = 'data/.complete';

if (!existsSync(done)) {
  for (const [name, text] of Object.entries(files)) {
    const file = join('data', name);
    mkdirSync(dirname(file), { recursive: true });
    // Readable by each user, as each container has its own; it sees its own folder only.
    writeFileSync(file, `${text}\n`, { mode: 0o444 });
  }
  writeFileSync(done, '');
}
