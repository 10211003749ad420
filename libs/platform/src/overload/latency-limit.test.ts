import { describe, expect, it } from 'vitest';
import { LatencyLimit } from './latency-limit.ts';

/**
 * A store that takes `latency(inFlight)` milliseconds, and clients that send `rate` requests each millisecond, on a
 * clock of the test's own. Returns how many were in flight in the end, and how many were rejected.
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
  let rejected = 0;
  for (let now = from; now < from + ms; now += 1) {
    for (const began of ends.get(now) ?? []) {
      limit.release('');
      limit.sample(now - began, now);
    }
    ends.delete(now);
    for (due += rate; due >= 1; due -= 1) {
      if (!limit.acquire('')) {
        rejected += 1;
        continue;
      }
      const end = now + Math.max(1, Math.round(latency(limit.inFlight)));
      ends.set(end, [...(ends.get(end) ?? []), now]);
    }
  }
  const { inFlight } = limit;
  for (let left = inFlight; left > 0; left -= 1) limit.release('');
  return { inFlight, rejected };
}

const maxQueueTime = 200;

describe('the limit on the concurrency of a route', () => {
  it('admits a burst', () => {
    const limit = new LatencyLimit(maxQueueTime);
    const taken = Array.from({ length: 150 }, () => limit.acquire(''));
    expect(taken).not.toContain(false);
  });

  it('bounds what waits for a slow store, and rises again soon after', () => {
    const limit = new LatencyLimit(maxQueueTime);
    expect(simulate(limit, 0.5, () => 10, 0, 5_000).rejected).toBe(0);
    const slow = simulate(limit, 0.5, () => 2_000, 5_000, 10_000);
    expect(slow.inFlight).toBeLessThanOrEqual(16);
    simulate(limit, 0.5, () => 10, 15_000, 2_000);
    expect(simulate(limit, 0.5, () => 10, 17_000, 2_000).rejected).toBe(0);
  });

  it('holds a store with a fixed capacity near what it can do in time', () => {
    const limit = new LatencyLimit(maxQueueTime);
    // Ten at a time in 50 ms: 0.2 a millisecond; asked for ten times as much.
    const queueing = (inFlight: number) => Math.max(50, (inFlight / 10) * 50);
    simulate(limit, 0.1, queueing, 0, 2_000);
    simulate(limit, 2, queueing, 2_000, 5_000);
    expect(limit.limit).toBeGreaterThanOrEqual(16);
    expect(limit.limit).toBeLessThanOrEqual(80);
  });

  it('takes a latency that lasts for the usual one', () => {
    const limit = new LatencyLimit(maxQueueTime);
    simulate(limit, 0.1, () => 10, 0, 5_000);
    simulate(limit, 0.1, () => 1_000, 5_000, 30_000);
    expect(limit.limit).toBeLessThan(40);
    simulate(limit, 0.1, () => 1_000, 35_000, 90_000);
    expect(simulate(limit, 0.1, () => 1_000, 125_000, 10_000).rejected).toBe(0);
  });

  it('reserves a share for a client that has none while another one holds all', () => {
    const limit = new LatencyLimit(maxQueueTime);
    while (limit.acquire('noisy'));
    for (let n = 0; n < 50; n += 1) expect(limit.acquire('quiet')).toBe(true);
    while (limit.acquire('quiet'));
    expect(limit.acquire('quiet')).toBe(false);
    limit.release('noisy');
    expect(limit.acquire('noisy')).toBe(false);
  });

  it('never admits more than a hard maximum, however many clients there are', () => {
    const limit = new LatencyLimit(maxQueueTime);
    for (let client = 0; client < 2_000; client += 1) limit.acquire(`client ${client % 1_000}`);
    expect(limit.inFlight).toBeLessThanOrEqual(256);
  });
});
