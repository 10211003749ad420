import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartError } from '../start-error.ts';

/** A step that brings the schema forward; run once, in order, each in a transaction of its own. */
export type Migration = { name: string; sql: string };

/**
 * Opens an embedded database: a file in WAL mode that survives `kill -9` and power loss, or `:memory:`.
 *
 * @param url `sqlite:<path>`; the folder is made if it is missing.
 * @throws {StartError} if the folder cannot be written or the file is damaged.
 * @example
 * const db = openSqlite('sqlite::memory:', [{ name: '1-notes', sql: 'CREATE TABLE notes (text TEXT)' }]);
 */
export function openSqlite(url: string, migrations: Migration[]): DatabaseSync {
  const path = url.replace(/^sqlite:/, '');
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
    const db = new DatabaseSync(path, { timeout: 2_000 });
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
    migrate(db, migrations);
    return db;
  } catch (error) {
    throw new StartError(`The database file ${path} cannot be used: ${reason(error)}.`, error);
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function migrate(db: DatabaseSync, migrations: Migration[]): void {
  db.exec('CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT');
  for (const { name, sql } of migrations) {
    inTransaction(db, () => {
      if (db.prepare('SELECT 1 FROM migrations WHERE name = ?').get(name)) return;
      db.exec(sql);
      db.prepare('INSERT INTO migrations VALUES (?, ?)').run(name, new Date().toISOString());
    });
  }
}

/** Runs `work` in one write transaction: all of it is kept, or, if it throws, none. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}
