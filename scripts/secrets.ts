import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Secrets } from './topology.ts';

/**
 * Returns the system's secrets. Generates them at the first start and stores them in the data folder, in a file that
 * only its owner can read. The token of experiments is another one at each start, because only services present it.
 * `ADMIN_EMAIL`, `ADMIN_PASSWORD`, `SERVICE_TOKEN`, `MANAGEMENT_TOKEN` and `EXPERIMENTS_TOKEN` of the environment take
 * precedence.
 *
 * @throws {Error} if the file is damaged or cannot be written.
 */
export function ensureSecrets(dataDir: string, env: NodeJS.ProcessEnv): Secrets {
  const file = join(dataDir, 'secrets.json');
  const { ADMIN_EMAIL, ADMIN_PASSWORD, SERVICE_TOKEN, MANAGEMENT_TOKEN, EXPERIMENTS_TOKEN } = env;
  const stored = existsSync(file) ? read(file) : write(file, newStored());
  return {
    adminEmail: ADMIN_EMAIL || stored.adminEmail,
    adminPassword: ADMIN_PASSWORD || stored.adminPassword,
    serviceToken: SERVICE_TOKEN || stored.serviceToken,
    managementToken: MANAGEMENT_TOKEN || stored.managementToken,
    experimentsToken: EXPERIMENTS_TOKEN || newSecret(),
  };
}

export const newSecrets = (): Secrets => ({ ...newStored(), experimentsToken: newSecret() });

const newSecret = () => randomBytes(18).toString('base64url');

type Stored = Omit<Secrets, 'experimentsToken'>;

function newStored(): Stored {
  return {
    adminEmail: 'admin@slipway.local',
    adminPassword: newSecret(),
    serviceToken: newSecret(),
    managementToken: newSecret(),
  };
}

function read(file: string): Stored {
  try {
    const { adminEmail, adminPassword, serviceToken, managementToken } = JSON.parse(
      readFileSync(file, 'utf8'),
    );
    if (adminEmail && adminPassword && serviceToken) {
      const stored = { adminEmail, adminPassword, serviceToken };
      // A file that was written before there was a management token gets one.
      if (!managementToken) return write(file, { ...newStored(), ...stored });
      return { ...stored, managementToken };
    }
  } catch {
    // Reported below, as for a file that lacks a value.
  }
  throw new Error(`The file ${file} is damaged. Repair it, or delete it to generate a new service token.`);
}

/** Writes to a temporary file and renames it, so that a crash leaves the complete file or none. */
function write(file: string, secrets: Stored): Stored {
  writeFileSync(`${file}.new`, `${JSON.stringify(secrets, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return secrets;
}
