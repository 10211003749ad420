import { describe, expect, it } from 'vitest';
import { ServiceTime } from './service-time.ts';

/** A queue that records iterations, each of which takes `ms` and starts `started` requests. */
function measure() {
  const time = new ServiceTime();
  let now = 0;
  const spend = (iterations: number, ms: number, started = 1, rejecting = 0) => {
    for (let n = 0; n < iterations; n += 1) {
      time.iteration(now, started);
      // Some of them in an iteration that starts nothing.
      for (const _ of [1, 2]) time.rejected(rejecting / 2);
      now += ms;
    }
    return time;
  };
  const rest = (ms: number) => {
    time.idle(now);
    now += ms;
  };
  return { time, spend, rest };
}

describe('the service time', () => {
  it('is known after eight samples, each of which ends with the next iteration', () => {
    const { spend } = measure();
    expect(spend(8, 5).expected).toBe(0);
    expect(spend(1, 5).expected).toBe(5);
  });

  it('is the time of an iteration divided by the requests that it started', () => {
    expect(measure().spend(9, 8, 4).expected).toBe(2);
  });

  it('does not include iterations that started nothing', () => {
    const { spend } = measure();
    spend(8, 5);
    spend(1, 1_000, 0);
    expect(spend(3, 5).expected).toBe(5);
  });

  it('does not include the two longest samples, which may be pauses', () => {
    const { spend } = measure();
    spend(10, 4);
    spend(2, 1_000);
    expect(spend(1, 4).expected).toBe(4);
    spend(1, 102);
    expect(spend(1, 4).expected).toBeGreaterThan(4);
  });

  it('follows the last samples', () => {
    const { spend } = measure();
    spend(100, 10);
    expect(spend(65, 2).expected).toBe(2);
  });

  it('begins again after the queue was empty, and does not include that time', () => {
    const { time, spend, rest } = measure();
    spend(20, 100);
    rest(5_000);
    expect(time.expected).toBe(0);
    expect(spend(9, 5).expected).toBe(5);
  });
});

describe('the number of starts in an iteration', () => {
  it('is one until requests are known to be short, and one if they are long', () => {
    const { time, spend } = measure();
    expect(time.startsPerIteration).toBe(1);
    expect(spend(20, 5).startsPerIteration).toBe(1);
  });

  it('fills a millisecond with short requests, up to 16', () => {
    expect(measure().spend(20, 0.25).startsPerIteration).toBe(4);
    expect(measure().spend(20, 0.001).startsPerIteration).toBe(16);
  });

  it('does not shrink by what rejected requests cost, which the expected wait includes', () => {
    const time = measure().spend(9, 1, 1, 0.375);
    expect([time.startsPerIteration, time.expected]).toEqual([4, 1]);
    expect(measure().spend(9, 1, 1, 0.6).startsPerIteration).toBe(16);
  });

  it('tells how long they take together', () => {
    expect(measure().time.workPerIteration).toBe(0);
    expect(measure().spend(20, 0.3).workPerIteration).toBeCloseTo(0.9);
    expect(measure().spend(20, 5, 1, 1).workPerIteration).toBeCloseTo(3);
  });

  it('is known from the last iteration before the queue was empty', () => {
    const { time, spend, rest } = measure();
    spend(1, 0.25);
    rest(5_000);
    expect(time.startsPerIteration).toBe(4);
  });
});
