import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { platform } from 'node:os';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartError } from '@slipway/platform/core/start-error';

/** A step that changes the schema. Each runs once, in order. Never change one that was released. */
export type Migration = { name: string; sql: string };

/** How long a start waits for another process's write before it fails; milliseconds. */
const startTimeout = 2_000;
/** Maximum size of a file that is checked as a whole at start, which takes about 1 ms a megabyte; bytes. */
const checkedSize = 256 * 1024 * 1024;

/**
 * Opens an embedded database: a file in WAL mode that survives `kill -9` and power loss, or `:memory:`. The store that
 * uses it must be wrapped by `nonBlocking` before it serves requests.
 *
 * Only the owner of the file can read it, because it may hold keys and password hashes.
 *
 * @param url `sqlite:<path>` or `sqlite::memory:`; a missing folder is created
 * @throws {StartError} if the URL has another scheme, or the file cannot be used: it is locked or damaged, others can
 *   read it and that cannot be changed, a newer version wrote it, or its folder or disk causes an error
 * @example
 * const db = openSqlite('sqlite::memory:', [{ name: '1-notes', sql: 'CREATE TABLE notes (text TEXT)' }]);
 */
export function openSqlite(url: string, migrations: Migration[]): DatabaseSync {
  const path = pathIn(url);
  if (path !== ':memory:') {
    prepareFolder(path);
    closeToOthers(path);
  }
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: startTimeout });
    switchToWal(db);
    db.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
    check(db, path);
    migrate(db, path, migrations);
    return db;
  } catch (error) {
    db?.close();
    throw error instanceof StartError ? error : new StartError(sentence(path, error), error);
  }
}

/**
 * Switches to WAL mode. SQLite itself does not wait for another process that switches the same new file.
 *
 * @see https://sqlite.org/wal.html#sometimes_queries_return_sqlite_busy_in_wal_mode
 */
function switchToWal(db: DatabaseSync): void {
  const end = performance.now() + startTimeout;
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (primaryCode(error) !== resultCodes.busy || performance.now() > end) throw error;
      Atomics.wait(pause, 0, 0, 10);
    }
  }
}

/** `Atomics.wait` on it blocks the process, which has nothing else to do while it starts. */
const pause = new Int32Array(new SharedArrayBuffer(4));

export function pathIn(url: string): string {
  const path = /^sqlite:(.+)$/s.exec(url)?.[1];
  // The message does not repeat the URL: one of another database may contain a password.
  if (!path) throw new StartError('STORE_URL must be sqlite:<path> or sqlite::memory:.');
  return path;
}

function prepareFolder(path: string): void {
  const folder = dirname(path);
  try {
    makeFolder(folder);
  } catch (error) {
    throw new StartError(`The folder ${folder} cannot be made: ${folderCause(error)}.`, error);
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new StartError(`The database file ${path} cannot be used: it is a folder.`);
  }
}

/** Creates a folder and its parents. Node's own recursive `mkdirSync` never returns for a folder below /proc. */
function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process that starts at the same time may have created it.
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/** The permissions of everybody but a file's owner. */
const others = 0o077;

/**
 * Creates a missing database file, and removes others' permissions from it and from the files that SQLite
 * writes beside it. SQLite gives new ones the permissions of the database file.
 */
function closeToOthers(path: string): void {
  createFile(path);
  for (const each of [path, `${path}-wal`, `${path}-shm`, `${path}-journal`]) {
    const mode = modeOf(each);
    if (!(mode & others)) continue;
    try {
      chmodSync(each, mode & ~others);
    } catch (error) {
      if (modeOf(each) & others) throw readableByOthers(each, error);
    }
    if (modeOf(each) & others) throw readableByOthers(each);
  }
}

/** Creates a file if it is missing. If that fails, SQLite reports why. */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch {}
}

/** Returns the permissions of a file; none if it is missing, and on Windows, where they are not kept this way. */
function modeOf(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() && platform() !== 'win32' ? stats.mode & 0o777 : 0;
}

function readableByOthers(path: string, cause?: unknown): StartError {
  const reason = 'others can read it, and its permissions cannot be changed';
  return new StartError(`The database file ${path} cannot be used: ${reason}; set them to 600.`, cause);
}

function folderCause(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EEXIST' || code === 'ENOTDIR') return 'a file is in its place';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'there is no permission to write';
  return message;
}

/** SQLite's primary result codes: https://sqlite.org/rescode.html */
export const resultCodes = {
  busy: 5,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  protocol: 15,
  notADatabase: 26,
};

const damaged = 'it is damaged or not a database; restore it from a backup';

/** Causes of a failed start by SQLite's result code. */
const causes: Record<number, string> = {
  [resultCodes.busy]: 'another process holds it locked',
  [resultCodes.readOnly]: 'it cannot be written',
  [resultCodes.ioError]: 'it cannot be read or written',
  [resultCodes.corrupt]: damaged,
  [resultCodes.full]: 'the disk is full',
  [resultCodes.cannotOpen]: 'it cannot be opened, or its folder cannot be written',
  [resultCodes.notADatabase]: damaged,
};

function sentence(path: string, error: unknown): string {
  const code = primaryCode(error);
  const cause = code === undefined ? undefined : causes[code];
  return `The database file ${path} cannot be used: ${cause ?? (error as Error).message}.`;
}

/** Returns the low byte of SQLite's result code; the other bytes are details. */
export function primaryCode(error: unknown): number | undefined {
  const { errcode } = (error ?? {}) as { errcode?: number };
  return errcode === undefined ? undefined : errcode & 0xff;
}

/** Returns whether a unique index rejected a write. */
export function isUniqueViolation(error: unknown): boolean {
  return (error as { errcode?: unknown }).errcode === 2067; // SQLITE_CONSTRAINT_UNIQUE
}

/** Finds damage before a request does. Of a large file, only what opening reads is checked. */
function check(db: DatabaseSync, path: string): void {
  if (path === ':memory:' || statSync(path).size > checkedSize) return;
  const finding = db.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (finding !== 'ok')
    throw new StartError(`The database file ${path} cannot be used: ${damaged}.`, finding);
}

/** Runs missing migrations. The write lock is taken before the check, so that a second starting process waits. */
function migrate(db: DatabaseSync, path: string, migrations: Migration[]): void {
  inTransaction(db, () => {
    db.exec('CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT');
    const applied = new Set(
      db
        .prepare('SELECT name FROM migrations')
        .all()
        .map(({ name }) => String(name)),
    );
    const unknown = [...applied].find((name) => !migrations.some((known) => known.name === name));
    if (unknown !== undefined) {
      throw new StartError(
        `The database file ${path} was made by a newer version (it has the migration ${unknown}); start that version or use another file.`,
      );
    }
    for (const { name, sql } of migrations.filter((each) => !applied.has(each.name))) {
      db.exec(sql);
      db.prepare('INSERT INTO migrations VALUES (?, ?)').run(name, new Date().toISOString());
    }
  });
}

/**
 * Runs `work` in one write transaction, which is rolled back if it throws.
 *
 * @param work must be synchronous: what it did after an `await` would be outside the transaction
 */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // Some errors, such as a full disk, have already ended the transaction.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
