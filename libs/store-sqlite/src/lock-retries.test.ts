import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { isSynchronous, synchronous } from '@slipway/platform/core/synchronous';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inTransaction, openSqlite } from './database.ts';
import { nonBlocking } from './lock-retries.ts';

let folder: string;
let db: DatabaseSync;
let other: DatabaseSync;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-'));
  const path = join(folder, 'test.db');
  db = openSqlite(`sqlite:${path}`, [{ name: '1', sql: 'CREATE TABLE notes (text TEXT NOT NULL)' }]);
  other = new DatabaseSync(path);
});
afterEach(() => {
  db.close();
  other.close();
  rmSync(folder, { recursive: true });
});

function openNotes() {
  const insert = db.prepare('INSERT INTO notes VALUES (?)');
  const count = db.prepare('SELECT count(*) AS count FROM notes');
  return nonBlocking(db, {
    notes: {
      async add(text: string) {
        return inTransaction(db, () => insert.run(text).changes);
      },
      addDirectly: (text: string) => Promise.try(() => insert.run(text).changes),
      async count() {
        return Number(count.get()?.count);
      },
    },
    onAdded: synchronous((listener: () => void) => listener()),
    server: 'none',
  });
}

/** Makes every write to the file wait until the returned function is called. */
function lock(): () => void {
  other.exec('BEGIN IMMEDIATE');
  return () => other.exec('ROLLBACK');
}

/** How often the event loop turned during some work; a pause of the machine takes few turns away. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  const delays = monitorEventLoopDelay({ resolution: 10 });
  delays.enable();
  await work();
  delays.disable();
  return delays.count;
}

const unavailable = { code: 'unavailable', status: 503 };

describe('a store whose file another process has locked', () => {
  it('writes when the lock is released, and lets the event loop turn until then', async () => {
    const { notes } = openNotes();
    const release = lock();
    const turns = await turnsDuring(async () => {
      const writing = Promise.all([notes.add('a'), notes.addDirectly('b')]);
      await wait(300);
      expect(await notes.count()).toBe(0);
      release();
      expect(await writing).toEqual([1, 1]);
    });
    expect(await notes.count()).toBe(2);
    expect(turns).toBeGreaterThan(10);
  });

  it('is unavailable after two seconds, and writes nothing later', async () => {
    const { notes } = openNotes();
    const release = lock();
    const startedAt = performance.now();
    await expect(notes.add('a')).rejects.toMatchObject({ ...unavailable, retryAfter: 1 });
    expect(performance.now() - startedAt).toBeGreaterThan(1_900);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    release();
    expect(await notes.count()).toBe(0);
    expect(await notes.add('b')).toBe(1);
  });
});

describe('a store whose file cannot be written', () => {
  it('is unavailable while the disk is full, and not after', async () => {
    const { notes } = openNotes();
    db.exec('PRAGMA max_page_count = 1');
    await expect(notes.add('x'.repeat(100_000))).rejects.toMatchObject({ ...unavailable, retryAfter: 10 });
    db.exec('PRAGMA max_page_count = 10000');
    expect(await notes.add('x'.repeat(100_000))).toBe(1);
  });

  it('is unavailable while it may only be read', async () => {
    const { notes } = openNotes();
    db.exec('PRAGMA query_only = ON');
    await expect(notes.addDirectly('a')).rejects.toMatchObject(unavailable);
    expect(await notes.count()).toBe(0);
  });

  it('is unavailable while its disk fails', async () => {
    // SQLITE_IOERR_FSYNC: its low byte is SQLITE_IOERR.
    const store = nonBlocking(db, {
      sync: () => Promise.reject(Object.assign(new Error('disk I/O error'), { errcode: 1034 })),
    });
    await expect(store.sync()).rejects.toMatchObject(unavailable);
  });
});

describe('what else a store does', () => {
  it('stays as it is', async () => {
    const store = openNotes();
    let told = 0;
    expect(store.onAdded(() => told++)).toBe(0);
    expect(told).toBe(1);
    expect(isSynchronous(store.onAdded)).toBe(true);
    expect(store.server).toBe('none');
    const failing = nonBlocking(db, { fail: () => Promise.reject(new TypeError('a mistake')) });
    await expect(failing.fail()).rejects.toThrow(TypeError);
  });
});
