import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Holds the lock until this process ends. */
let lock: DatabaseSync | undefined;

/**
 * Creates the data folder, accessible only to its owner, and locks it for this process.
 *
 * @throws {Error} with one sentence, if it cannot be created or written, or if another system uses it.
 */
export function openDataFolder(dataDir: string): void {
  makeFolder(dataDir);
  // The operating system releases the lock of an SQLite file when the process ends, even after a crash.
  lock = new DatabaseSync(join(dataDir, '.lock'), { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch {
    throw new Error(
      `Slipway already runs on the data folder ${dataDir}; stop it, or set DATA_DIR to another.`,
    );
  }
}

function makeFolder(dataDir: string): void {
  try {
    mkdirSync(join(dataDir, 'logs'), { recursive: true, mode: 0o700 });
    rmSync(mkdtempSync(join(dataDir, '.writable-')), { recursive: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`The data folder ${dataDir} cannot be written (${code}); set DATA_DIR to another.`);
  }
}
