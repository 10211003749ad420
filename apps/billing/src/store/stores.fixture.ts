import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { openMongo } from '@slipway/platform/store/mongo';
import { onTestFinished } from 'vitest';
import type { BillingStore } from './open.ts';
import { openStore } from './open.ts';

const server = process.env.TEST_MONGODB_URL;

/** Every store that can be had here, for tests of what must work on all of them. */
export const stores: { name: string; open: () => Promise<BillingStore> }[] = [
  { name: 'SQLite', open: () => openStore('sqlite::memory:') },
  ...(server ? [{ name: 'MongoDB', open: () => openMongoStore(`${server}/billing-${randomUUID()}`) }] : []),
];

/** A store in a database of its own, which is dropped with the end of the test. */
async function openMongoStore(url: string): Promise<BillingStore> {
  const store = await openStore(url);
  onTestFinished(async () => {
    await store.close();
    await dropMongo(url);
  });
  return store;
}

export async function dropMongo(url: string): Promise<void> {
  const mongo = await openMongo(url, []);
  await mongo.db.dropDatabase();
  await mongo.close();
}
