import { describe, expect, it } from 'vitest';
import { LatencyLimit } from './latency-limit.ts';

/**
 * A store that takes `latency(inFlight)` milliseconds, and callers who send `rate` requests each millisecond, on a
 * clock of the test's own. Tells what was in flight in the end, and what was refused.
 */
function simulate(
  limit: LatencyLimit,
  rate: number,
  latency: (inFlight: number) => number,
  from: number,
  ms: number,
) {
  const ends = new Map<number, number[]>();
  let due = 0;
  let refused = 0;
  for (let now = from; now < from + ms; now += 1) {
    for (const began of ends.get(now) ?? []) {
      limit.leave('');
      limit.sample(now - began, now);
    }
    ends.delete(now);
    for (due += rate; due >= 1; due -= 1) {
      if (!limit.enter('')) {
        refused += 1;
        continue;
      }
      const end = now + Math.max(1, Math.round(latency(limit.inFlight)));
      ends.set(end, [...(ends.get(end) ?? []), now]);
    }
  }
  const { inFlight } = limit;
  for (let left = inFlight; left > 0; left -= 1) limit.leave('');
  return { inFlight, refused };
}

const patience = 200;

describe('the limit on what a route runs at once', () => {
  it('lets a burst in', () => {
    const limit = new LatencyLimit(patience);
    const taken = Array.from({ length: 150 }, () => limit.enter(''));
    expect(taken).not.toContain(false);
  });

  it('bounds what waits for a store that answers late, and opens again soon after', () => {
    const limit = new LatencyLimit(patience);
    expect(simulate(limit, 0.5, () => 10, 0, 5_000).refused).toBe(0);
    const slow = simulate(limit, 0.5, () => 2_000, 5_000, 10_000);
    expect(slow.inFlight).toBeLessThanOrEqual(16);
    simulate(limit, 0.5, () => 10, 15_000, 2_000);
    expect(simulate(limit, 0.5, () => 10, 17_000, 2_000).refused).toBe(0);
  });

  it('keeps a store that can do only so much near what it can do in time', () => {
    const limit = new LatencyLimit(patience);
    // Ten at a time in 50 ms: 0.2 a millisecond; asked for ten times as much.
    const queueing = (inFlight: number) => Math.max(50, (inFlight / 10) * 50);
    simulate(limit, 0.1, queueing, 0, 2_000);
    simulate(limit, 2, queueing, 2_000, 5_000);
    expect(limit.limit).toBeGreaterThanOrEqual(16);
    expect(limit.limit).toBeLessThanOrEqual(80);
  });

  it('takes a latency that stays for the usual one', () => {
    const limit = new LatencyLimit(patience);
    simulate(limit, 0.1, () => 10, 0, 5_000);
    simulate(limit, 0.1, () => 1_000, 5_000, 30_000);
    expect(limit.limit).toBeLessThan(40);
    simulate(limit, 0.1, () => 1_000, 35_000, 90_000);
    expect(simulate(limit, 0.1, () => 1_000, 125_000, 10_000).refused).toBe(0);
  });

  it('keeps a share for a caller who has none while another one holds all', () => {
    const limit = new LatencyLimit(patience);
    while (limit.enter('noisy'));
    for (let n = 0; n < 50; n += 1) expect(limit.enter('quiet')).toBe(true);
    while (limit.enter('quiet'));
    expect(limit.enter('quiet')).toBe(false);
    limit.leave('noisy');
    expect(limit.enter('noisy')).toBe(false);
  });

  it('never lets more in than a bound, however many callers there are', () => {
    const limit = new LatencyLimit(patience);
    for (let caller = 0; caller < 2_000; caller += 1) limit.enter(`caller ${caller % 1_000}`);
    expect(limit.inFlight).toBeLessThanOrEqual(256);
  });
});
