/**
 * Creates a MongoDB account for each service, with access to that service's databases only. It is safe to run again.
 * Runs in the users image, which contains the driver.
 */
import { readFileSync } from 'node:fs';
import { MongoClient } from 'mongodb';

const databases = { users: ['users'], billing: ['billing', 'billing-sandbox'] };

const passwordOf = (name: string) => readFileSync(`data/${name}-password`, 'utf8').trim();

const client = new MongoClient(`mongodb://root:${passwordOf('root')}@mongodb:27017/admin`);
const admin = client.db('admin');
const { users: known } = await admin.command({ usersInfo: 1 });
for (const [name, own] of Object.entries(databases)) {
  if (known.some(({ user }: { user: string }) => user === name)) continue;
  const roles = own.map((db) => ({ role: 'readWrite', db }));
  await admin.command({ createUser: name, pwd: passwordOf(name), roles });
  console.log(`account ${name} created`);
}
await client.close();
