import { hash } from 'node:crypto';
import { problem } from '@slipway/contracts/errors';
import { toNetwork } from '@slipway/platform/http/client-address';
import type { Passwords } from './passwords.ts';

/** Attempts at a password that did not succeed, or have not yet. Times are milliseconds since the epoch. */
export type Attempts = { key: string; failures: number; lastAt: number; expiresAt: number };

/** Where attempts are counted, for all replicas. Whatever has expired may be forgotten at any time. */
export type AttemptStore = {
  attempts(key: string): Promise<Attempts | undefined>;
  /** Writes the count in one atomic step if it is still `seen` (0: none is kept); 0 failures removes it. */
  replaceAttempts(attempts: Attempts, seen: number): Promise<boolean>;
};

/** How many failures go free before each costs a wait, and how long they are remembered; milliseconds. */
export type Limit = { free: number; forgetAfter: number };

const hour = 3_600_000;
/** Well below the 100 failures an hour that OWASP ASVS 4.0 (2.2.1) allows for one account. */
export const accountLimit: Limit = { free: 10, forgetAfter: 24 * hour };
/** Many people may share an address. */
export const addressLimit: Limit = { free: 100, forgetAfter: hour };

/** Milliseconds: the first wait, doubled by each further failure, up to the longest. */
const firstWait = 1_000;
const longestWait = 15 * 60_000;

/** Milliseconds that must pass after the latest of some failures. */
export function delayAfter(failures: number, { free }: Limit): number {
  return failures < free ? 0 : Math.min(longestWait, firstWait * 2 ** (failures - free));
}

/** The attempts with one more, or how many milliseconds to wait before it may be made. */
export function nextAttempt(
  key: string,
  found: Attempts | undefined,
  limit: Limit,
  now: number,
): Attempts | { wait: number } {
  const remembered = found && found.expiresAt > now ? found : { failures: 0, lastAt: now };
  const wait = remembered.lastAt + delayAfter(remembered.failures, limit) - now;
  if (wait > 0) return { wait };
  return { key, failures: remembered.failures + 1, lastAt: now, expiresAt: now + limit.forgetAfter };
}

/** Checks a password unless too many were wrong: for an account that may not exist, by a caller's address. */
export type PasswordCheck = (
  account: { passwordHash: string } | undefined,
  email: string,
  password: string,
  address: string,
) => Promise<boolean>;

/**
 * Makes the check of passwords that limits how often it can be tried, per account and per address.
 *
 * An attempt counts before its password is checked and is taken back when it was right: otherwise a
 * thousand guesses sent at once would all pass before the first has failed.
 *
 * @param clock milliseconds since the epoch
 * @throws {Problem} from the check: rate_limited, overloaded
 */
export function createPasswordCheck(
  store: AttemptStore,
  passwords: Pick<Passwords, 'verify'>,
  clock: () => number = Date.now,
): PasswordCheck {
  return async (account, email, password, address) => {
    // Hashed: what people type into this field is not always an address, and none of it is ours to keep.
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
    for (;;) {
      const found = await store.attempts(key);
      const next = nextAttempt(key, found, limit, clock());
      if ('wait' in next) {
        throw problem('rate_limited', 'Too many attempts failed', { retryAfter: next.wait / 1000 });
      }
      if (await store.replaceAttempts(next, found?.failures ?? 0)) return;
    }
  }

  async function takeBack(key: string, failures: number): Promise<void> {
    for (;;) {
      const found = await store.attempts(key);
      if (!found) return;
      const next = { ...found, failures: Math.max(0, found.failures - failures) };
      if (await store.replaceAttempts(next, found.failures)) return;
    }
  }
}

function keyOf(kind: 'account' | 'address', value: string): string {
  return hash('sha256', `${kind}:${value}`, 'base64url');
}
