import { describe, expect, it } from 'vitest';
import {
  type AttemptStore,
  accountLimit,
  addressLimit,
  createPasswordCheck,
  delayAfter,
  nextAttempt,
  noAttempts,
  pairLimit,
} from './login-limit.ts';
import { openStore } from './store/open.ts';

describe('delayAfter', () => {
  const limit = { free: 3, forgetAfter: 1, maxDelay: 900_000 };

  it('is 0 for the free failures, then doubles from a second to a quarter of an hour', () => {
    const delays = [0, 2, 3, 4, 5, 12, 13, 1_000].map((failures) => delayAfter(failures, limit));
    expect(delays).toEqual([0, 0, 1_000, 2_000, 4_000, 512_000, 900_000, 900_000]);
  });

  it.each([
    ['an account from one origin', pairLimit],
    ['an account from all unknown origins', accountLimit],
  ])('allows fewer guesses an hour for %s than the 100 of OWASP ASVS', (_, limit) => {
    let [guesses, time] = [0, 0];
    while (time < 3_600_000) time += delayAfter(++guesses, limit);
    expect(guesses).toBeLessThan(100);
  });
});

describe('nextAttempt', () => {
  const limit = { free: 1, forgetAfter: 10_000, maxDelay: 900_000 };

  it('counts up, and returns how long to wait', () => {
    const first = nextAttempt(noAttempts('key'), limit, 5_000);
    expect(first).toEqual({ id: 'key', version: 1, failures: 1, lastAt: 5_000, expiresAt: 15_000 });
    if ('wait' in first) throw new Error('The first attempt is free');
    expect(nextAttempt(first, limit, 5_999)).toEqual({ wait: 1 });
    expect(nextAttempt(first, limit, 6_000)).toEqual({
      id: 'key',
      version: 2,
      failures: 2,
      lastAt: 6_000,
      expiresAt: 16_000,
    });
  });

  it('begins again when the failures have expired', () => {
    const old = { id: 'key', version: 50, failures: 50, lastAt: 5_000, expiresAt: 15_000 };
    expect(nextAttempt(old, limit, 14_999)).toHaveProperty('wait');
    expect(nextAttempt(old, limit, 15_000)).toMatchObject({ failures: 1 });
  });
});

describe('the check of passwords', () => {
  const account = { passwordHash: 'right' };

  async function setUp() {
    const time = { at: 1_000_000 };
    const checked: string[] = [];
    const passwords = {
      async verify(password: string, hash: string | undefined) {
        checked.push(password);
        if (password === 'forget') await forget();
        if (password === 'storm') throw new Error('overloaded');
        return password === hash || password === 'forget';
      },
    };
    const store = await openStore('sqlite::memory:');
    const keys = new Set<string>();
    const attempts: AttemptStore = {
      ...store.attempts,
      add(change) {
        keys.add(change.next.id);
        return store.attempts.add(change);
      },
    };
    /** Deletes all entries of the store, as it may do with expired ones. */
    const forget = () => Promise.all([...keys].map((key) => store.attempts.remove(key)));
    const stored = async () => {
      const entries = await Promise.all([...keys].map((key) => store.attempts.get(key)));
      return entries.filter((entry) => entry !== undefined);
    };
    const check = createPasswordCheck({ attempts }, passwords, () => time.at);
    const fail = async (times: number, email = 'ada', address = '192.0.2.1') => {
      for (let i = 0; i < times; i++) await check(account, email, 'wrong', address);
    };
    return { time, checked, check, fail, forget, stored };
  }

  const refusal = (retryAfter: number) => expect.objectContaining({ code: 'rate_limited', retryAfter });

  it('rejects even the right password for a while after too many wrong ones, without checking it', async () => {
    const { time, checked, check, fail } = await setUp();
    await fail(pairLimit.free);
    await expect(check(account, 'ada', 'right', '192.0.2.1')).rejects.toEqual(refusal(1));
    expect(checked).not.toContain('right');
    time.at += 1_000;
    expect(await check(account, 'ada', 'right', '192.0.2.1')).toBe(true);
  });

  it('waits longer with each failure', async () => {
    const { time, check, fail } = await setUp();
    await fail(pairLimit.free);
    time.at += 1_000;
    await fail(1);
    await expect(check(account, 'ada', 'right', '192.0.2.1')).rejects.toEqual(refusal(2));
  });

  it('limits an account that does not exist in the same way', async () => {
    const { check } = await setUp();
    for (let i = 0; i < pairLimit.free; i++) {
      expect(await check(undefined, 'nobody', 'wrong', '192.0.2.1')).toBe(false);
    }
    await expect(check(undefined, 'nobody', 'wrong', '192.0.2.1')).rejects.toEqual(refusal(1));
    for (let i = pairLimit.free; i < accountLimit.free; i++) {
      expect(await check(undefined, 'nobody', 'wrong', `192.0.2.${i}`)).toBe(false);
    }
    await expect(check(undefined, 'nobody', 'wrong', '192.0.2.99')).rejects.toEqual(refusal(1));
  });

  it('keeps nobody out who is elsewhere, however often a stranger guesses', async () => {
    const { time, check, fail } = await setUp();
    await fail(pairLimit.free);
    for (let hours = 0; hours < 48; hours++) {
      for (let quarter = 0; quarter < 4; quarter++) {
        time.at += 15 * 60_000;
        await fail(1);
      }
      // An origin from which nobody has logged in before.
      time.at += 60_000;
      expect(await check(account, 'ada', 'right', `203.0.113.${hours}`)).toBe(true);
      time.at -= 60_000;
    }
  });

  it('lets an owner in from a known origin while many origins guess', async () => {
    const { time, check } = await setUp();
    expect(await check(account, 'ada', 'right', '2001:db8::1')).toBe(true);
    time.at += 30 * 24 * 3_600_000;
    const guess = (i: number) => check(account, 'ada', 'wrong', `198.51.100.${i}`);
    for (let i = 0; i < accountLimit.free; i++) await guess(i);
    await expect(guess(200)).rejects.toEqual(refusal(1));
    for (let i = 0; i < 3; i++) expect(await check(account, 'ada', 'right', '2001:db8::2')).toBe(true);
    await expect(guess(201)).rejects.toEqual(refusal(1));
    await expect(check(account, 'ada', 'right', '192.0.2.99')).rejects.toEqual(refusal(1));
  });

  it('limits guesses from a known origin, too, and knows it for 90 days', async () => {
    const { time, check, fail } = await setUp();
    expect(await check(account, 'ada', 'right', '192.0.2.1')).toBe(true);
    await fail(pairLimit.free);
    await expect(check(account, 'ada', 'right', '192.0.2.1')).rejects.toEqual(refusal(1));
    time.at += 90 * 24 * 3_600_000 - 1;
    for (let i = 0; i < accountLimit.free; i++) await fail(1, 'ada', `198.51.100.${i}`);
    await fail(1);
    time.at += 1;
    await expect(check(account, 'ada', 'right', '192.0.2.1')).rejects.toMatchObject({ code: 'rate_limited' });
  });

  it('does not count an attempt that was rejected', async () => {
    const { time, check, fail } = await setUp();
    for (let i = 0; i < accountLimit.free; i++) await fail(1, 'ada', `198.51.100.${i}`);
    for (let i = 0; i < pairLimit.free; i++) {
      await expect(check(account, 'ada', 'right', '192.0.2.1')).rejects.toEqual(refusal(1));
    }
    time.at += 1_000;
    expect(await check(account, 'ada', 'right', '192.0.2.1')).toBe(true);
  });

  it('allows no more guesses when all are sent at the same time', async () => {
    const { checked, check } = await setUp();
    const burst = Array.from({ length: 50 }, (_, i) => check(account, 'ada', 'wrong', `192.0.2.${i}`));
    const outcomes = await Promise.allSettled(burst);
    expect(checked).toHaveLength(accountLimit.free);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(50 - accountLimit.free);
  });

  it('allows no more guesses from one origin when all are sent at the same time', async () => {
    const { checked, check } = await setUp();
    await Promise.allSettled(Array.from({ length: 15 }, () => check(account, 'ada', 'wrong', '192.0.2.1')));
    expect(checked).toHaveLength(pairLimit.free);
  });

  it('forgets the failures from an origin when the password was right', async () => {
    const { check, fail } = await setUp();
    await fail(pairLimit.free - 1);
    expect(await check(account, 'ada', 'right', '192.0.2.1')).toBe(true);
    await fail(pairLimit.free);
    await expect(check(account, 'ada', 'right', '192.0.2.1')).rejects.toEqual(refusal(1));
  });

  it('limits an address over all accounts, and a success does not reset that', async () => {
    const { check, fail } = await setUp();
    for (let i = 0; i < addressLimit.free; i++) await fail(1, `account ${i}`, '2001:db8::1');
    await expect(check(account, 'ada', 'right', '2001:db8::2')).rejects.toEqual(refusal(1));
    expect(await check(account, 'ada', 'right', '192.0.2.1')).toBe(true);
  });

  it('counts the failures of an address as before after a right password from it', async () => {
    const { check, fail } = await setUp();
    for (let i = 1; i < addressLimit.free; i++) await fail(1, `account ${i}`);
    expect(await check(account, 'ada', 'right', '192.0.2.1')).toBe(true);
    await fail(1, 'another');
    await expect(check(account, 'ada', 'right', '192.0.2.1')).rejects.toEqual(refusal(1));
  });

  it('knows an origin although a later check could not be made', async () => {
    const { check, fail } = await setUp();
    expect(await check(account, 'ada', 'right', '192.0.2.1')).toBe(true);
    await expect(check(account, 'ada', 'storm', '192.0.2.1')).rejects.toThrow('overloaded');
    for (let i = 0; i < accountLimit.free; i++) await fail(1, 'ada', `198.51.100.${i}`);
    expect(await check(account, 'ada', 'right', '192.0.2.1')).toBe(true);
  });

  it('stores nothing of a right password but the known origin', async () => {
    const { check, stored } = await setUp();
    await check(account, 'ada', 'right', '192.0.2.1');
    const knownUntil = 1_000_000 + 90 * 24 * 3_600_000;
    expect(await stored()).toMatchObject([{ failures: 0, knownUntil, expiresAt: knownUntil }]);
  });

  it('accepts a right password, and knows its origin, although the attempts were deleted meanwhile', async () => {
    const { check, stored } = await setUp();
    expect(await check(account, 'ada', 'forget', '192.0.2.1')).toBe(true);
    expect(await stored()).toMatchObject([{ failures: 0, knownUntil: expect.any(Number) }]);
  });

  it('does not count right passwords against an address, nor checks that were not made', async () => {
    const { check } = await setUp();
    for (let i = 0; i < addressLimit.free + 1; i++) {
      expect(await check(account, 'ada', 'right', '192.0.2.1')).toBe(true);
      await expect(check(account, 'ada', 'storm', '192.0.2.1')).rejects.toThrow('overloaded');
    }
  });
});
