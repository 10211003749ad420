import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { jobStoreContract } from '@slipway/platform/jobs/job-store.contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rebuild } from '../rebuild.ts';
import { used } from '../testing/events.ts';
import { openStore } from './open.ts';
import { describeRebuild } from './rebuild.contract.ts';
import { type Damage, describeStore, type Opened } from './store.contract.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reporting-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
const newFile = () => join(folder, `${++files}.db`);

/** Reads or changes a file without the store. */
function within<T>(path: string, work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

const sqlOf: Record<Damage, string> = {
  changed: 'UPDATE figures SET first = first + 1 WHERE key = (SELECT min(key) FROM figures)',
  lost: 'DELETE FROM figures WHERE key = (SELECT min(key) FROM figures)',
  invented: `INSERT INTO figures SELECT generation, report, part, 'nobody', 1, 1 FROM figures LIMIT 1`,
};

const openInMemory = async (): Promise<Opened> => ({ store: await openStore('sqlite::memory:') });

async function openInFile(): Promise<Opened> {
  const path = newFile();
  const store = await openStore(`sqlite:${path}`);
  return {
    store,
    damage: async (how) => within(path, (db) => db.exec(sqlOf[how])),
    async reopen() {
      await store.close();
      return await openStore(`sqlite:${path}`);
    },
  };
}

for (const describeContract of [describeStore, describeRebuild]) {
  describeContract('SQLite in memory', openInMemory);
  describeContract('SQLite in a file', openInFile);
}

jobStoreContract(
  'reporting on SQLite',
  async () => {
    const url = `sqlite:${newFile()}`;
    return { store: await openStore(url), openAgain: () => openStore(url) };
  },
  { publishes: false },
);

describe('a SQLite file', () => {
  const snapshotsIn = (path: string) =>
    within(path, (db) => db.prepare('SELECT DISTINCT generation FROM figures').all()).map(
      (row) => row.generation,
    );

  it('holds one snapshot of figures after a rebuild', async () => {
    const path = newFile();
    const store = await openStore(`sqlite:${path}`);
    await store.apply(used({}));
    await rebuild(store);
    await store.close();
    expect(snapshotsIn(path)).toEqual([2]);
  });
});
