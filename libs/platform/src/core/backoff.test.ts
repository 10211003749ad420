import { describe, expect, it } from 'vitest';
import { backoff } from './backoff.ts';

const limits = { base: 100, max: 1_000 };

describe('the delay before a retry', () => {
  it('doubles from its base up to its maximum', () => {
    const longest = [0, 1, 2, 3, 4, 9].map((retry) => backoff(retry, { ...limits, random: () => 1 }));
    expect(longest).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it('stays at its maximum after any number of retries', () => {
    expect(backoff(100_000, { ...limits, random: () => 1 })).toBe(1_000);
  });

  it('is anything from nothing to its longest, so that clients spread', () => {
    expect(backoff(1, { ...limits, random: () => 0 })).toBe(0);
    expect(backoff(1, { ...limits, random: () => 0.25 })).toBe(50);
  });

  it('differs from call to call', () => {
    expect(new Set(Array.from({ length: 20 }, () => backoff(3, limits))).size).toBeGreaterThan(1);
  });
});
