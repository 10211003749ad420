import { hash } from 'node:crypto';
import { problem } from '@slipway/contracts/errors';
import { type Expiring, type ExpiringStore, update } from '@slipway/platform/events/aggregates';
import { toNetwork } from '@slipway/platform/http/client-address';
import type { Passwords } from './passwords.ts';

/** Attempts to use a password that have failed or are still being checked. Times are milliseconds since the epoch. */
export type Attempts = Expiring & {
  failures: number;
  lastAt: number;
  /** For an account and an origin: after a correct password, the origin is known until this time. */
  knownUntil?: number;
};

/** Stores the attempts of all replicas. */
export type AttemptStore = ExpiringStore<Attempts>;

/** Failures without a delay, time after the last one until they expire, and longest delay; milliseconds. */
export type Limit = { free: number; forgetAfter: number; maxDelay: number };

const minute = 60_000;
const hour = 60 * minute;
/** The limit for an account and an origin (the client's network): failures from other origins do not count. */
export const pairLimit: Limit = { free: 10, forgetAfter: 24 * hour, maxDelay: 15 * minute };
/**
 * The limit for an account and all unknown origins together, against guesses from many networks. It allows fewer than
 * the 100 failures an hour of OWASP ASVS 4.0 (2.2.1).
 */
export const accountLimit: Limit = { free: 30, forgetAfter: hour, maxDelay: minute };
/** The limit for an origin and all accounts. It is higher, because many people may share an address. */
export const addressLimit: Limit = { free: 100, forgetAfter: hour, maxDelay: 15 * minute };

/** The delay in milliseconds after the first failure that causes one. It doubles with each further failure. */
const firstDelay = 1_000;
/** Milliseconds for which an origin stays known after the last right password. */
const knownFor = 90 * 24 * hour;

/** Returns the delay in milliseconds that must follow a number of failures. */
export function delayAfter(failures: number, { free, maxDelay }: Limit): number {
  return failures < free ? 0 : Math.min(maxDelay, firstDelay * 2 ** (failures - free));
}

/** Returns an entry without any attempts. */
export function noAttempts(id: string): Attempts {
  return { id, failures: 0, lastAt: 0, expiresAt: 0, version: 0 };
}

/** Returns the attempts with one more, or the milliseconds to wait before the attempt is allowed. */
export function nextAttempt(found: Attempts, limit: Limit, now: number): Attempts | { wait: number } {
  const { failures, lastAt } = found.lastAt + limit.forgetAfter > now ? found : { failures: 0, lastAt: now };
  const wait = lastAt + delayAfter(failures, limit) - now;
  if (wait > 0) return { wait };
  const expiresAt = Math.max(now + limit.forgetAfter, found.knownUntil ?? 0);
  return { ...found, failures: failures + 1, lastAt: now, expiresAt, version: found.version + 1 };
}

/**
 * Returns whether a password is right, unless too many attempts have failed. `account` is absent if none exists.
 */
export type PasswordCheck = (
  account: { passwordHash: string } | undefined,
  email: string,
  password: string,
  address: string,
) => Promise<boolean>;

/**
 * Creates the password check. It limits failures per account and origin, per origin, and per account for all
 * unknown origins together.
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
    const counted: string[] = [];
    const count = async (key: string, limit: Limit) => {
      const entry = await addOne(key, limit);
      counted.push(key);
      return entry;
    };
    const origin = toNetwork(address);
    // Keys are hashed: people also type other things, such as passwords, into the email field.
    const pairKey = keyOf('pair', `${origin} ${email}`);
    try {
      const { knownUntil = 0 } = await count(pairKey, pairLimit);
      if (knownUntil <= clock()) await count(keyOf('account', email), accountLimit);
      await count(keyOf('address', origin), addressLimit);
      if (!(await passwords.verify(password, account?.passwordHash))) return false;
    } catch (error) {
      await Promise.all(counted.map(takeBack));
      throw error;
    }
    const others = counted.filter((key) => key !== pairKey);
    await Promise.all([remember(pairKey), ...others.map(takeBack)]);
    return true;
  };

  async function addOne(key: string, limit: Limit): Promise<Attempts> {
    const add = (found: Attempts) => {
      const next = nextAttempt(found, limit, clock());
      if (!('wait' in next)) return { next, events: [] };
      throw problem('rate_limited', 'Too many attempts failed', { retryAfter: next.wait / 1000 });
    };
    return update(store.attempts, key, add, { ifMissing: () => noAttempts(key) });
  }

  async function takeBack(key: string): Promise<void> {
    const subtract = (found: Attempts) => {
      const failures = found.failures - 1;
      if (failures <= 0 && found.knownUntil === undefined) return { remove: true as const, events: [] };
      return { next: { ...found, failures: Math.max(0, failures), version: found.version + 1 }, events: [] };
    };
    await update(store.attempts, key, subtract, { ifMissing: () => undefined });
  }

  /** Forgets the failures of an account from an origin, which is known from now on. */
  async function remember(key: string): Promise<void> {
    const know = (found: Attempts) => {
      const knownUntil = clock() + knownFor;
      const next = { ...found, failures: 0, knownUntil, expiresAt: knownUntil, version: found.version + 1 };
      return { next, events: [] };
    };
    await update(store.attempts, key, know, { ifMissing: () => noAttempts(key) });
  }
}

function keyOf(kind: 'pair' | 'account' | 'address', value: string): string {
  return hash('sha256', `${kind}:${value}`, 'base64url');
}
