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

describe('a window of measurement', () => {
  /** A limit whose best latency is 10 ms, measured until 100 ms with a hundred requests in flight. */
  function measured() {
    const limit = new LatencyLimit(maxQueueTime);
    const samples = (count: number, latency: number, now: number) => {
      for (let n = 0; n < count; n += 1) limit.sample(latency, now);
      return limit.limit;
    };
    for (let n = 0; n < 100; n += 1) limit.acquire('');
    expect(samples(10, 10, 100)).toBe(192);
    return { limit, samples };
  }

  it('ends with ten samples after 100 ms, and lowers the limit to what can be done in time', () => {
    const { samples } = measured();
    expect(samples(9, 1_000, 200)).toBe(192);
    expect(samples(1, 1_000, 200)).toBe(Math.floor((100 * 210) / 1_000));
  });

  it('ends at the first sample after 100 ms if there are enough', () => {
    const { samples } = measured();
    expect(samples(10, 1_000, 199)).toBe(192);
    expect(samples(1, 1_000, 200)).toBe(21);
  });

  it('ends with 64 samples, however short it is', () => {
    const { samples } = measured();
    expect(samples(63, 1_000, 150)).toBe(192);
    expect(samples(1, 1_000, 150)).toBe(21);
  });

  it('changes nothing while the median exceeds its best by no more than the maximum queue time', () => {
    const { limit, samples } = measured();
    expect(samples(10, 210, 200)).toBe(192);
    for (const latency of [10, 10, 10, 1_000, 1_000, 1_000, 1_000, 10, 10, 10]) limit.sample(latency, 300);
    expect(limit.limit).toBe(192);
    expect(samples(10, 211, 400)).toBeLessThan(192);
  });

  it('counts the most requests that were in flight at a time', () => {
    const { limit, samples } = measured();
    for (let n = 0; n < 50; n += 1) limit.acquire('');
    for (let n = 0; n < 110; n += 1) limit.release('');
    limit.acquire('');
    expect(samples(10, 1_000, 200)).toBe(Math.floor((150 * 210) / 1_000));
  });

  it('raises the limit by its square root while it is nearly used up, and not while it is not', () => {
    const { limit, samples } = measured();
    samples(10, 1_000, 200);
    for (let n = 0; n < 90; n += 1) limit.release('');
    expect(samples(10, 10, 300)).toBe(25);
    expect(samples(10, 10, 400)).toBe(25);
  });
});

describe('the permits of a route', () => {
  /** A limit that has fallen to its minimum of 16 permits. */
  function lowest() {
    const limit = new LatencyLimit(maxQueueTime);
    for (const [latency, now] of [
      [1, 100],
      [1_000_000, 200],
    ] as const) {
      for (let n = 0; n < 10; n += 1) limit.sample(latency, now);
    }
    expect(limit.limit).toBe(16);
    const take = (client: string) => {
      let taken = 0;
      while (limit.acquire(client)) taken += 1;
      return taken;
    };
    const free = (client: string, count: number) => {
      for (let n = 0; n < count; n += 1) limit.release(client);
    };
    return { limit, take, free };
  }

  it('are shared by the clients that have any', () => {
    const { take, free } = lowest();
    expect([take('ada'), take('bob'), take('eve')]).toEqual([16, 8, 6]);
    free('bob', 3);
    expect(take('bob')).toBe(1);
  });

  it('are shared without a client that has none any more', () => {
    const { take, free } = lowest();
    expect([take('ada'), take('bob')]).toEqual([16, 8]);
    free('bob', 8);
    expect(take('eve')).toBe(8);
  });

  it('can all be taken by one client that others leave them to', () => {
    const { limit } = lowest();
    limit.acquire('ada');
    const taken = Array.from({ length: 15 }, () => limit.acquire('bob'));
    expect(taken).not.toContain(false);
  });
});
