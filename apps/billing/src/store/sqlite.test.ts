import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { openSqliteStore } from './sqlite.ts';
import { describeBillingStore } from './store.contract.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'billing-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
const newUrl = () => `sqlite:${join(folder, `${++files}.db`)}`;

describeBillingStore('SQLite in memory', async () => ({ store: openSqliteStore('sqlite::memory:') }));

describeBillingStore('SQLite in a file', async () => {
  const url = newUrl();
  return { store: openSqliteStore(url), openAgain: () => openSqliteStore(url) };
});
