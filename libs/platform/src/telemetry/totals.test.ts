import { describe, expect, it } from 'vitest';
import { percentileBetween, Totals } from './totals.ts';

/** Returns views before and after some durations. */
function around(...seconds: number[]) {
  const totals = new Totals();
  totals.add(9, true);
  const before = totals.view();
  for (const each of seconds) totals.add(each, false);
  return [before, totals.view()] as const;
}

describe('totals', () => {
  it('count work, failures and durations by bucket', () => {
    const [before, after] = around(0.001, 0.002, 100);
    expect(before).toMatchObject({ count: 1, failed: 1 });
    expect(after).toMatchObject({ count: 4, failed: 1 });
    expect(after.buckets).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
  });

  it('show in a view what was counted until then', () => {
    const totals = new Totals();
    const { buckets } = totals.view();
    totals.add(0.001, false);
    expect(buckets[0]).toBe(0);
  });
});

describe('the percentile between two views', () => {
  it('is a share of its bucket, as in Prometheus', () => {
    const ms = Array.from({ length: 100 }, () => 0.02);
    expect(percentileBetween(...around(...ms), 0.99)).toBeCloseTo(24.85);
    expect(percentileBetween(...around(...ms), 0.5)).toBeCloseTo(17.5);
  });

  it('is the last bound for what took longer', () => {
    expect(percentileBetween(...around(30), 0.99)).toBe(10_000);
  });

  it('is unknown if nothing was counted between them', () => {
    expect(percentileBetween(...around(), 0.99)).toBeUndefined();
  });
});
