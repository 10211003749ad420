import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartError } from '../start-error.ts';

/** A step that brings the schema forward; run once, in order. Never change one that was released. */
export type Migration = { name: string; sql: string };

/** Milliseconds that a statement waits for another process's write before it fails. */
const busyTimeout = 2_000;

/**
 * Opens an embedded database: a file in WAL mode that survives `kill -9` and power loss, or `:memory:`.
 *
 * @param url `sqlite:<path>` or `sqlite::memory:`; the folder is made if it is missing.
 * @throws {StartError} if the URL has another scheme, the folder cannot be written, or the file is damaged
 *   or was made by a newer version.
 * @example
 * const db = openSqlite('sqlite::memory:', [{ name: '1-notes', sql: 'CREATE TABLE notes (text TEXT)' }]);
 */
export function openSqlite(url: string, migrations: Migration[]): DatabaseSync {
  const path = pathIn(url);
  if (path !== ':memory:') makeFolder(path);
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: busyTimeout });
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
    migrate(db, path, migrations);
    return db;
  } catch (error) {
    db?.close();
    throw error instanceof StartError ? error : new StartError(sentence(path, error), error);
  }
}

function pathIn(url: string): string {
  const path = /^sqlite:(.+)$/s.exec(url)?.[1];
  // The URL itself is not repeated: that of another database may hold a password.
  if (!path) throw new StartError('STORE_URL must be sqlite:<path> or sqlite::memory:.');
  return path;
}

function makeFolder(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw new StartError(`The folder ${dirname(path)} cannot be made: ${messageOf(error)}.`, error);
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new StartError(`The database file ${path} cannot be used: it is a folder.`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What SQLite's result codes mean to the person who starts a service: https://sqlite.org/rescode.html */
const causes: Record<number, string> = {
  5: 'another process holds it locked',
  8: 'it cannot be written',
  10: 'it cannot be read or written',
  11: 'it is damaged; restore it from a backup',
  13: 'the disk is full',
  14: 'its folder cannot be written or it cannot be opened',
  26: 'it is damaged or not a database; restore it from a backup',
};

function sentence(path: string, error: unknown): string {
  const { errcode } = error as { errcode?: number };
  // The low byte is the primary code, the rest tells details.
  const cause = errcode === undefined ? undefined : causes[errcode & 0xff];
  return `The database file ${path} cannot be used: ${cause ?? messageOf(error)}.`;
}

/** The write lock is taken before the check, so that of two starting processes one waits for the other. */
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
 * Runs `work` in one write transaction: all of it is kept, or, if it throws, none.
 *
 * @param work must be synchronous: what it does after an `await` would be outside of the transaction.
 */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk, for one, has ended the transaction already.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
