import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Secrets } from './topology.ts';

/**
 * The system's secrets, made at the first start and kept in the data folder, readable by its owner alone.
 * `ADMIN_EMAIL`, `ADMIN_PASSWORD`, `SERVICE_TOKEN` and `MANAGEMENT_TOKEN` of the environment win.
 *
 * @throws {Error} if the folder cannot be written or the file is damaged: one sentence.
 */
export function keepSecrets(dataDir: string, env: NodeJS.ProcessEnv): Secrets {
  const file = join(dataDir, 'secrets.json');
  const { ADMIN_EMAIL, ADMIN_PASSWORD, SERVICE_TOKEN, MANAGEMENT_TOKEN } = env;
  const kept = existsSync(file) ? read(file) : write(file, newSecrets());
  return {
    adminEmail: ADMIN_EMAIL || kept.adminEmail,
    adminPassword: ADMIN_PASSWORD || kept.adminPassword,
    serviceToken: SERVICE_TOKEN || kept.serviceToken,
    managementToken: MANAGEMENT_TOKEN || kept.managementToken,
  };
}

export function newSecrets(): Secrets {
  const secret = () => randomBytes(18).toString('base64url');
  return {
    adminEmail: 'admin@slipway.local',
    adminPassword: secret(),
    serviceToken: secret(),
    managementToken: secret(),
  };
}

function read(file: string): Secrets {
  try {
    const { adminEmail, adminPassword, serviceToken, managementToken } = JSON.parse(
      readFileSync(file, 'utf8'),
    );
    if (adminEmail && adminPassword && serviceToken) {
      const kept = { adminEmail, adminPassword, serviceToken };
      // A file that was written before there was a management token gets one.
      if (!managementToken) return write(file, { ...newSecrets(), ...kept });
      return { ...kept, managementToken };
    }
  } catch {
    // Said below, together with a file that lacks something.
  }
  throw new Error(`The file ${file} is damaged; repair it, or delete it to get a new service token.`);
}

/** Written beside and renamed: a crash leaves the whole file or none. */
function write(file: string, secrets: Secrets): Secrets {
  writeFileSync(`${file}.new`, `${JSON.stringify(secrets, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return secrets;
}

/** Held until this process ends. */
let lock: DatabaseSync | undefined;

/**
 * Makes the folder of all data, open to its owner alone, and locks it for this process.
 *
 * @throws {Error} if it cannot be made or written, or if another system runs on it: one sentence.
 */
export function openDataFolder(dataDir: string): void {
  makeFolder(dataDir);
  // The system frees the lock of an SQLite file when its process ends, however that ends.
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
