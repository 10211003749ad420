import { hash } from 'node:crypto';
import { problem } from '@slipway/contracts/errors';
import { type Aggregate, type AggregateStore, update } from '@slipway/platform/events/aggregates';
import { toNetwork } from '@slipway/platform/http/client-address';
import type { Passwords } from './passwords.ts';

/** Attempts to use a password that have failed or are still being checked. Times are milliseconds since the epoch. */
export type Attempts = Aggregate & { failures: number; lastAt: number; expiresAt: number };

/** Stores the attempts of all replicas. Expired entries may be deleted at any time. */
export type AttemptStore = AggregateStore<Attempts>;

/** The number of failures without a delay, and how long failures are counted; milliseconds. */
export type Limit = { free: number; forgetAfter: number };

const hour = 3_600_000;
/** Well below the 100 failures an hour that OWASP ASVS 4.0 (2.2.1) allows for one account. */
export const accountLimit: Limit = { free: 10, forgetAfter: 24 * hour };
/** Higher, because many people may share an address. */
export const addressLimit: Limit = { free: 100, forgetAfter: hour };

/**
 * The delay after the first failure that causes one, which doubles with each further failure, and its maximum;
 * milliseconds.
 */
const firstDelay = 1_000;
const maxDelay = 15 * 60_000;

/** Returns the delay in milliseconds that must follow a number of failures. */
export function delayAfter(failures: number, { free }: Limit): number {
  return failures < free ? 0 : Math.min(maxDelay, firstDelay * 2 ** (failures - free));
}

/** Returns an entry without any attempts. */
export function noAttempts(id: string): Attempts {
  return { id, failures: 0, lastAt: 0, expiresAt: 0, version: 0 };
}

/** Returns the attempts with one more, or the milliseconds to wait before the attempt is allowed. */
export function nextAttempt(found: Attempts, limit: Limit, now: number): Attempts | { wait: number } {
  const { failures, lastAt } = found.expiresAt > now ? found : { failures: 0, lastAt: now };
  const wait = lastAt + delayAfter(failures, limit) - now;
  if (wait > 0) return { wait };
  const expiresAt = now + limit.forgetAfter;
  return { id: found.id, failures: failures + 1, lastAt: now, expiresAt, version: found.version + 1 };
}

/**
 * Checks a password, unless too many attempts for the account or from the address have failed. The account may not
 * exist.
 */
export type PasswordCheck = (
  account: { passwordHash: string } | undefined,
  email: string,
  password: string,
  address: string,
) => Promise<boolean>;

/**
 * Creates the check of passwords, which limits the attempts per account and per address.
 *
 * An attempt is counted before its password is checked, and removed if the password is right. Otherwise a thousand
 * concurrent guesses would all be allowed before the first one fails.
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
    // Hashed, because people also enter other things than addresses in this field, and these must not be stored.
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
