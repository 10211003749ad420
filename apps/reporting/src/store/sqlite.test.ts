import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll } from 'vitest';
import { describeReportStore } from './report-store.contract.ts';
import { openStore } from './open.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reporting-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;

describeReportStore('SQLite in memory', async () => ({ store: openStore('sqlite::memory:') }));

describeReportStore('SQLite in a file', async () => {
  const path = join(folder, `${++files}.db`);
  const store = openStore(`sqlite:${path}`);
  return {
    store,
    async damage() {
      const db = new DatabaseSync(path);
      db.exec(`UPDATE figures SET first = first + 1 WHERE key = (SELECT min(key) FROM figures)`);
      db.close();
    },
    async reopen() {
      await store.close();
      return openStore(`sqlite:${path}`);
    },
  };
});
