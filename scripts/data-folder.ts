import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Holds the lock until this process ends. */
let lock: DatabaseSync | undefined;

/**
 * Creates the data folder, accessible only to its owner, and locks it for this process.
 *
 * @throws {Error} with one sentence, if it cannot be created or written, if others can read it and that cannot be
 *   changed, or if another system uses it.
 */
export function openDataFolder(dataDir: string): void {
  closeFolder(dataDir);
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

/** Matches the files of Slipway, and hidden files, such as those of file managers. */
const own = /^(\..*|logs|analytics|secrets\.json.*|.*\.db(-.*)?)$/;
/** The permissions of everybody but the owner. */
const others = 0o077;

/** Takes others' permissions off an existing folder and its secrets. Rejects a folder with files that are not ours. */
function closeFolder(dataDir: string): void {
  if (isClosed(dataDir)) return;
  const strange = readdirSync(dataDir).find((name) => !own.test(name));
  if (strange !== undefined) throw notClosed(dataDir, `it is not changed, because it contains ${strange}`);
  for (const path of [dataDir, join(dataDir, 'secrets.json')]) {
    try {
      if (!isClosed(path)) chmodSync(path, statSync(path).mode & 0o777 & ~others);
    } catch (error) {
      throw notClosed(dataDir, `that cannot be changed (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  if (!isClosed(dataDir)) throw notClosed(dataDir, 'its file system keeps no permissions');
}

/** Windows has no such permissions: every folder counts as closed. */
function isClosed(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return !stats || platform() === 'win32' || (stats.mode & others) === 0;
}

function notClosed(dataDir: string, why: string): Error {
  const advice = `run chmod 700 ${dataDir}, or set DATA_DIR to another`;
  return new Error(`Others can read the data folder ${dataDir}, and ${why}; ${advice}.`);
}
