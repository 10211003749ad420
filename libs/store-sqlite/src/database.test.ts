import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartError } from '@slipway/platform/core/start-error';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inTransaction, type Migration, openSqlite } from './database.ts';

// The tests may run as root, to whom every change of permissions is allowed.
vi.mock('node:fs', async (load) => {
  const fs = await load<typeof import('node:fs')>();
  return { ...fs, chmodSync: vi.fn(fs.chmodSync) };
});

const notes: Migration = { name: '1-notes', sql: 'CREATE TABLE notes (text TEXT NOT NULL) STRICT' };
const authors: Migration = {
  name: '2-authors',
  sql: "ALTER TABLE notes ADD COLUMN author TEXT DEFAULT 'zoe'",
};

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-'));
  path = join(folder, 'test.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

const textsIn = (db: DatabaseSync) =>
  db
    .prepare('SELECT text FROM notes ORDER BY text')
    .all()
    .map(({ text }) => text);

/** Opens, writes notes and closes. */
function write(texts: string[], migrations = [notes]): void {
  const db = openSqlite(`sqlite:${path}`, migrations);
  inTransaction(db, () => {
    for (const text of texts) db.prepare('INSERT INTO notes (text) VALUES (?)').run(text);
  });
  db.close();
}

/** Overwrites bytes of a closed database file. */
function damage(at: number, bytes: Buffer): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

const damagedSentence = () =>
  `The database file ${path} cannot be used: it is damaged or not a database; restore it from a backup.`;

/** The sentence with which an opening fails; anything but a StartError fails the test. */
function refusal(url = `sqlite:${path}`, migrations = [notes]): string {
  try {
    openSqlite(url, migrations).close();
  } catch (error) {
    expect(error).toBeInstanceOf(StartError);
    return (error as StartError).message;
  }
  throw new Error('the database was opened');
}

describe('opening', () => {
  it('creates the folder and the file, and finds what was written at the next start', () => {
    path = join(folder, 'deep', 'er', 'test.db');
    write(['first']);
    write(['second']);
    const db = openSqlite(`sqlite:${path}`, [notes]);
    expect(textsIn(db)).toEqual(['first', 'second']);
    db.close();
  });

  it('does not lose a commit when the power fails: WAL, synced at each commit', () => {
    const db = openSqlite(`sqlite:${path}`, []);
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    // 2 is FULL: https://sqlite.org/pragma.html#pragma_synchronous
    expect(db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    expect(db.prepare('PRAGMA foreign_keys').get()).toEqual({ foreign_keys: 1 });
    db.close();
  });

  it('opens a database in memory', () => {
    const db = openSqlite('sqlite::memory:', [notes]);
    expect(textsIn(db)).toEqual([]);
    db.close();
  });
});

describe('the files of a database', () => {
  const modes = () =>
    Object.fromEntries(
      readdirSync(folder).map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]),
    );
  const closed = { 'test.db': '600', 'test.db-shm': '600', 'test.db-wal': '600' };

  it('can be read by their owner only', () => {
    const db = openSqlite(`sqlite:${path}`, [notes]);
    expect(modes()).toEqual(closed);
    db.close();
  });

  it('lose the permissions of others when a database is opened that had them', () => {
    const earlier = new DatabaseSync(path);
    earlier.exec('PRAGMA journal_mode = WAL; CREATE TABLE earlier (text TEXT)');
    for (const name of Object.keys(modes())) chmodSync(join(folder, name), 0o644);
    const db = openSqlite(`sqlite:${path}`, [notes]);
    expect(modes()).toEqual(closed);
    earlier.close();
    db.close();
  });

  it('are in a folder that only their owner can open, if it is created', () => {
    const deep = join(folder, 'deep', 'er');
    openSqlite(`sqlite:${deep}/test.db`, [notes]).close();
    expect([deep, join(folder, 'deep')].map((each) => statSync(each).mode & 0o777)).toEqual([0o700, 0o700]);
  });

  it.each(['does nothing', 'is not permitted'])('are not used if a change of permissions %s', (what) => {
    write(['old']);
    chmodSync(path, 0o640);
    vi.mocked(chmodSync).mockImplementationOnce(() => {
      if (what === 'is not permitted') throw new Error('EPERM');
    });
    expect(refusal()).toBe(
      `The database file ${path} cannot be used: others can read it, and its permissions cannot be changed; set them to 600.`,
    );
  });
});

describe('migrations', () => {
  it('run once each, in order, and only the missing ones on an old file', () => {
    write(['old']);
    const db = openSqlite(`sqlite:${path}`, [notes, authors]);
    expect(db.prepare('SELECT text, author FROM notes').all()).toEqual([{ text: 'old', author: 'zoe' }]);
    db.close();
  });

  it('leave nothing behind when one of them fails', () => {
    const broken = { name: '3-broken', sql: 'CREATE TABLE half (id TEXT); CREATE NONSENSE' };
    expect(refusal(`sqlite:${path}`, [notes, broken])).toContain('syntax error');
    write(['works'], [notes]);
  });

  it('are rejected if the file has an unknown one, because a newer version wrote it', () => {
    write(['new'], [notes, authors]);
    expect(refusal()).toBe(
      `The database file ${path} was made by a newer version (it has the migration 2-authors); start that version or use another file.`,
    );
  });

  it('run once when several processes start on a new file at the same time', async () => {
    const script = new URL('./open.fixture.ts', import.meta.url);
    const processes = Array.from({ length: 6 }, () => fork(script, [path]));
    await Promise.all(processes.map((process) => once(process, 'message')));
    for (const process of processes) process.send('open');
    const outcomes = await Promise.all(processes.map((process) => once(process, 'message')));
    expect(outcomes.map(([outcome]) => outcome)).toEqual(Array(6).fill('opened'));
    const db = new DatabaseSync(path);
    expect(db.prepare('SELECT count(*) AS count FROM started').get()).toEqual({ count: 1 });
    db.close();
  });
});

describe('a start that fails is explained in one sentence', () => {
  it('for another scheme, without repeating what may contain a password', () => {
    for (const url of ['mongodb://zoe:secret@db', 'users.db', 'sqlite:', '']) {
      expect(refusal(url)).toBe('STORE_URL must be sqlite:<path> or sqlite::memory:.');
    }
  });

  it('when the folder is a file', () => {
    writeFileSync(join(folder, 'file'), '');
    for (const place of ['file/test.db', 'file/deeper/test.db']) {
      expect(refusal(`sqlite:${folder}/${place}`)).toMatch(
        /^The folder .* cannot be made: a file is in its place\.$/,
      );
    }
  });

  it('when the folder cannot be created', () => {
    expect(refusal('sqlite:/proc/nowhere/test.db')).toMatch(
      /^The folder \/proc\/nowhere cannot be made: .*\.$/,
    );
  });

  it('when nothing can be written into the folder', () => {
    expect(refusal('sqlite:/proc/test.db')).toBe(
      'The database file /proc/test.db cannot be used: it cannot be opened, or its folder cannot be written.',
    );
  });

  it('when the path is a folder', () => {
    mkdirSync(path);
    expect(refusal()).toBe(`The database file ${path} cannot be used: it is a folder.`);
  });

  it('when the file is no database', () => {
    writeFileSync(path, 'This is a shopping list: tea, biscuits. '.repeat(200));
    expect(refusal()).toBe(damagedSentence());
  });

  it('when the header of the file is damaged', () => {
    write(['something']);
    damage(0, Buffer.alloc(100, 7));
    expect(refusal()).toBe(damagedSentence());
  });

  it('when a page in the middle of the file is damaged', () => {
    write(Array.from({ length: 1_000 }, (_, n) => `note ${n} ${'x'.repeat(100)}`));
    damage(10 * 4096, Buffer.alloc(4096, 255));
    expect(refusal()).toBe(damagedSentence());
  });

  it('when the file was cut off', () => {
    write(Array.from({ length: 1_000 }, (_, n) => `note ${n} ${'x'.repeat(100)}`));
    truncateSync(path, 10 * 4096);
    expect(refusal()).toBe(damagedSentence());
  });

  it('when another process holds the file', () => {
    write([]);
    const holder = new DatabaseSync(path);
    holder.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    expect(refusal()).toBe(`The database file ${path} cannot be used: another process holds it locked.`);
    holder.close();
  });
});

describe('a transaction', () => {
  it('writes all or nothing', () => {
    const db = openSqlite('sqlite::memory:', [notes]);
    const insert = db.prepare('INSERT INTO notes VALUES (?)');
    const half = () => {
      insert.run('half');
      throw new Error('then this');
    };
    expect(() => inTransaction(db, half)).toThrow('then this');
    expect(inTransaction(db, () => insert.run('whole').changes)).toBe(1);
    expect(textsIn(db)).toEqual(['whole']);
    db.close();
  });

  it('throws the first error when SQLite has ended the transaction itself', () => {
    const db = openSqlite('sqlite::memory:', [notes]);
    const work = () => {
      db.exec('ROLLBACK');
      throw new Error('disk full');
    };
    expect(() => inTransaction(db, work)).toThrow('disk full');
    db.close();
  });
});
