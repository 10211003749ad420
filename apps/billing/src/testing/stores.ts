import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { openMongo } from '@slipway/store-mongodb/database';
import { onTestFinished } from 'vitest';
import { openStore } from '../store/open.ts';
import type { BillingStore } from '../store/store.ts';

type Settings = { STORE_URL: string; SANDBOX_URL: string };

const server = process.env.TEST_MONGODB_URL;
const inMemory = 'sqlite::memory:';

/** The available stores, for tests that must pass on all of them. `newSettings` names a new store each time. */
export const stores: { name: string; newSettings: () => Settings }[] = [
  { name: 'SQLite', newSettings: () => ({ STORE_URL: inMemory, SANDBOX_URL: inMemory }) },
  ...(server
    ? [{ name: 'MongoDB', newSettings: () => ({ STORE_URL: newMongoUrl(server), SANDBOX_URL: inMemory }) }]
    : []),
];

export function newMongoUrl(address: string): string {
  return `${address}/billing-${randomUUID()}`;
}

/** Opens a new store for the current test, and drops it when the test ends. */
export async function openForTest({ STORE_URL }: Settings): Promise<BillingStore> {
  const store = await openStore(STORE_URL);
  onTestFinished(async () => {
    await store.close();
    await drop(STORE_URL);
  });
  return store;
}

/** Drops the database of a test. Nothing remains of a store in memory. */
export async function drop(url: string): Promise<void> {
  if (!url.startsWith('mongodb:')) return;
  const mongo = await openMongo(url, []);
  await mongo.db.dropDatabase();
  await mongo.close();
}
