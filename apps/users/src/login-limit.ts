import { hash } from 'node:crypto';
import { problem } from '@slipway/contracts/errors';
import { type Aggregate, type AggregateStore, update } from '@slipway/platform/events/aggregates';
import { toNetwork } from '@slipway/platform/http/client-address';
import type { Passwords } from './passwords.ts';

/** Attempts at a password that have not succeeded, or not yet. Times are milliseconds since the epoch. */
export type Attempts = Aggregate & { failures: number; lastAt: number; expiresAt: number };

/** Stores the attempts of all replicas. Whatever has expired may be deleted at any time. */
export type AttemptStore = AggregateStore<Attempts>;

/** How many failures cost no delay, and how long failures are remembered; milliseconds. */
export type Limit = { free: number; forgetAfter: number };

const hour = 3_600_000;
/** Well below the 100 failures an hour that OWASP ASVS 4.0 (2.2.1) allows for one account. */
export const accountLimit: Limit = { free: 10, forgetAfter: 24 * hour };
/** Higher, because many people may share an address. */
export const addressLimit: Limit = { free: 100, forgetAfter: hour };

/** The delay after the first failure that is not free, doubled by each further failure, and its maximum; milliseconds. */
const firstDelay = 1_000;
const maxDelay = 15 * 60_000;

/** Returns the milliseconds that must pass after the last of some failures. */
export function delayAfter(failures: number, { free }: Limit): number {
  return failures < free ? 0 : Math.min(maxDelay, firstDelay * 2 ** (failures - free));
}

/** Returns the attempts before the first one. */
export function noAttempts(id: string): Attempts {
  return { id, failures: 0, lastAt: 0, expiresAt: 0, version: 0 };
}

/** Returns the attempts with one more, or the milliseconds to wait before it may be made. */
export function nextAttempt(found: Attempts, limit: Limit, now: number): Attempts | { wait: number } {
  const { failures, lastAt } = found.expiresAt > now ? found : { failures: 0, lastAt: now };
  const wait = lastAt + delayAfter(failures, limit) - now;
  if (wait > 0) return { wait };
  const expiresAt = now + limit.forgetAfter;
  return { id: found.id, failures: failures + 1, lastAt: now, expiresAt, version: found.version + 1 };
}

/** Checks a password, of an account that may not exist, unless too many attempts at it or from the address failed. */
export type PasswordCheck = (
  account: { passwordHash: string } | undefined,
  email: string,
  password: string,
  address: string,
) => Promise<boolean>;

/**
 * Creates the check of passwords, which limits the attempts per account and per address.
 *
 * An attempt counts before its password is checked, and is taken back if the password was right: otherwise a thousand
 * guesses that are sent at the same time would all pass before the first has failed.
 *
 * @param clock milliseconds since the epoch
 * @throws {Problem} from the check: rate_limited, overloaded
 */
export function createPasswordCheck(
  store: { attempts: AttemptStore },
  passwords: Pick<Passwords, 'verify'>,
  clock: () => number = Date.now,
): PasswordCheck {
  return async (account, email, password, address) => {
    // Hashed, because people also type other things than addresses into this field, and none of it must be stored.
    const addressKey = keyOf('address', toNetwork(address));
    const accountKey = keyOf('account', email);
    await count(addressKey, addressLimit);
    await count(accountKey, accountLimit);
    const right = await passwords.verify(password, account?.passwordHash).catch(async (error) => {
      await Promise.all([takeBack(addressKey, 1), takeBack(accountKey, 1)]);
      throw error;
    });
    if (right) await Promise.all([takeBack(addressKey, 1), takeBack(accountKey, Number.POSITIVE_INFINITY)]);
    return right;
  };

  async function count(key: string, limit: Limit): Promise<void> {
    const addOne = (found: Attempts) => {
      const next = nextAttempt(found, limit, clock());
      if (!('wait' in next)) return { next, events: [] };
      throw problem('rate_limited', 'Too many attempts failed', { retryAfter: next.wait / 1000 });
    };
    await update(store.attempts, key, addOne, { ifMissing: () => noAttempts(key) });
  }

  async function takeBack(key: string, failures: number): Promise<void> {
    const subtract = (found: Attempts) => {
      const left = found.failures - failures;
      if (left <= 0) return { remove: true as const, events: [] };
      return { next: { ...found, failures: left, version: found.version + 1 }, events: [] };
    };
    await update(store.attempts, key, subtract, { ifMissing: () => undefined });
  }
}

function keyOf(kind: 'account' | 'address', value: string): string {
  return hash('sha256', `${kind}:${value}`, 'base64url');
}
