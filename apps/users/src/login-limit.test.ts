import { describe, expect, it } from 'vitest';
import {
  accountLimit,
  addressLimit,
  createPasswordCheck,
  delayAfter,
  nextAttempt,
  noAttempts,
} from './login-limit.ts';
import { openStore } from './store/open.ts';

describe('delayAfter', () => {
  const limit = { free: 3, forgetAfter: 1 };

  it('is 0 for the free failures, then doubles from a second to a quarter of an hour', () => {
    const delays = [0, 2, 3, 4, 5, 12, 13, 1_000].map((failures) => delayAfter(failures, limit));
    expect(delays).toEqual([0, 0, 1_000, 2_000, 4_000, 512_000, 900_000, 900_000]);
  });

  it('allows fewer guesses an hour for an account than the 100 of OWASP ASVS', () => {
    let [guesses, time] = [0, 0];
    while (time < 3_600_000) time += delayAfter(++guesses, accountLimit);
    expect(guesses).toBeLessThan(100);
  });
});

describe('nextAttempt', () => {
  const limit = { free: 1, forgetAfter: 10_000 };

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
        if (password === 'storm') throw new Error('overloaded');
        return password === hash;
      },
    };
    const check = createPasswordCheck(await openStore('sqlite::memory:'), passwords, () => time.at);
    const fail = async (times: number, email = 'ada', address = '192.0.2.1') => {
      for (let i = 0; i < times; i++) await check(account, email, 'wrong', address);
    };
    return { time, checked, check, fail };
  }

  const refusal = (retryAfter: number) => expect.objectContaining({ code: 'rate_limited', retryAfter });

  it('rejects even the right password for a while after too many wrong ones, without checking it', async () => {
    const { time, checked, check, fail } = await setUp();
    await fail(accountLimit.free);
    await expect(check(account, 'ada', 'right', '192.0.2.2')).rejects.toEqual(refusal(1));
    expect(checked).not.toContain('right');
    time.at += 1_000;
    expect(await check(account, 'ada', 'right', '192.0.2.2')).toBe(true);
  });

  it('waits longer with each failure', async () => {
    const { time, check, fail } = await setUp();
    await fail(accountLimit.free);
    time.at += 1_000;
    await fail(1);
    await expect(check(account, 'ada', 'right', '192.0.2.2')).rejects.toEqual(refusal(2));
  });

  it('limits an account that does not exist in the same way', async () => {
    const { check } = await setUp();
    for (let i = 0; i < accountLimit.free; i++) {
      expect(await check(undefined, 'nobody', 'wrong', `192.0.2.${i}`)).toBe(false);
    }
    await expect(check(undefined, 'nobody', 'wrong', '192.0.2.99')).rejects.toEqual(refusal(1));
  });

  it('allows no more guesses when all are sent at the same time', async () => {
    const { checked, check } = await setUp();
    const burst = Array.from({ length: 50 }, (_, i) => check(account, 'ada', 'wrong', `192.0.2.${i}`));
    const outcomes = await Promise.allSettled(burst);
    expect(checked).toHaveLength(accountLimit.free);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(50 - accountLimit.free);
  });

  it('forgets the failures of an account when its password was right', async () => {
    const { check, fail } = await setUp();
    await fail(accountLimit.free - 1);
    expect(await check(account, 'ada', 'right', '192.0.2.1')).toBe(true);
    await fail(accountLimit.free);
    await expect(check(account, 'ada', 'right', '192.0.2.1')).rejects.toEqual(refusal(1));
  });

  it('limits an address over all accounts, and a success does not reset that', async () => {
    const { check, fail } = await setUp();
    for (let i = 0; i < addressLimit.free; i++) await fail(1, `account ${i}`, '2001:db8::1');
    await expect(check(account, 'ada', 'right', '2001:db8::2')).rejects.toEqual(refusal(1));
    expect(await check(account, 'ada', 'right', '192.0.2.1')).toBe(true);
  });

  it('does not count right passwords against an address, nor checks that were not made', async () => {
    const { check } = await setUp();
    for (let i = 0; i < addressLimit.free + 1; i++) {
      expect(await check(account, 'ada', 'right', '192.0.2.1')).toBe(true);
      await expect(check(account, 'ada', 'storm', '192.0.2.1')).rejects.toThrow('overloaded');
    }
  });
});
