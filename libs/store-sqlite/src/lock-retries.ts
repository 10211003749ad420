import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { problem } from '@slipway/contract-kit/problem';
import { backoff } from '@slipway/platform/core/backoff';
import { isSynchronous } from '@slipway/platform/core/synchronous';
import { primaryCode, resultCodes } from './database.ts';

/** Milliseconds for which an operation is retried while another process holds the lock. */
const retryFor = 2_000;
const delays = { base: 10, max: 100 };

/** Failures that may pass without a change of the code, and the seconds after which a caller may retry. */
const passing: Record<number, { detail: string; retryAfter: number }> = {
  [resultCodes.busy]: { detail: 'The database is locked by another process', retryAfter: 1 },
  [resultCodes.protocol]: { detail: 'The database is locked by another process', retryAfter: 1 },
  [resultCodes.readOnly]: { detail: 'The database cannot be written', retryAfter: 10 },
  [resultCodes.ioError]: { detail: 'The database cannot be read or written', retryAfter: 10 },
  [resultCodes.full]: { detail: 'The database cannot be written', retryAfter: 10 },
  [resultCodes.cannotOpen]: { detail: 'The database cannot be opened', retryAfter: 10 },
};

type Operation = (...args: never[]) => unknown;

/**
 * Makes a store fit for serving: SQLite's own wait for a lock stops the whole process, so it is switched off, and the
 * operations of the store are retried between iterations of the event loop. Each of them must be one transaction,
 * or safe to repeat; or it retries its steps itself, with `retryWhileLocked`.
 *
 * @returns the store; its operations reject with the problem `unavailable` while the file is locked for too long, or
 *   cannot be opened, read or written.
 * @example
 * return nonBlocking(db, { notes: sqliteNotes(db), async ping() { … } });
 */
export function nonBlocking<Store extends object>(db: DatabaseSync, store: Store): Store {
  db.exec('PRAGMA busy_timeout = 0');
  return retrying(store);
}

function retrying<Part extends object>(part: Part): Part {
  const entries = Object.entries(part).map(([name, value]) => [name, retryingValue(value, part)]);
  return Object.fromEntries(entries) as Part;
}

function retryingValue(value: unknown, owner: object): unknown {
  if (typeof value === 'function' && !isSynchronous(value as Operation)) {
    return (...args: never[]) => retryWhileLocked(async () => (value as Operation).apply(owner, args));
  }
  const isPart =
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPart ? retrying(value) : value;
}

/**
 * Retries one step while another process holds the lock.
 *
 * @throws {Problem} unavailable if the lock lasts for more than two seconds, or the file cannot be used.
 */
export async function retryWhileLocked<T>(operation: () => T | Promise<T>): Promise<T> {
  const deadline = performance.now() + retryFor;
  for (let retries = 0; ; retries++) {
    try {
      return await operation();
    } catch (error) {
      if (primaryCode(error) !== resultCodes.busy || performance.now() > deadline) throw meaningOf(error);
    }
    await wait(backoff(retries, delays));
  }
}

function meaningOf(error: unknown): unknown {
  const { detail, retryAfter } = passing[primaryCode(error) ?? 0] ?? {};
  return detail === undefined ? error : problem('unavailable', detail, { retryAfter, cause: error });
}
