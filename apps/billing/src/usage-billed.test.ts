import { describe, expect, it } from 'vitest';
import { planOf } from './plans.ts';
import { start } from './subscriptions.ts';
import { billedByPeriod, unbilled } from './usage-billed.ts';

const calls = (period: number, quantity: number, records: number) => ({
  ...{ period, metric: 'api_calls', quantity, records },
});
const storage = (period: number, quantity: number, records: number) => ({
  ...{ period, metric: 'storage_gb_hours', quantity, records },
});
const begun = start('s1', 'u1', planOf('starter'), '2026-01-31T10:00:00.000Z').next;
const inPeriod = (period: number) => ({ ...begun, period });

/** A subscription in its third period, and what is on its invoices. */
const billed = (...billedByPeriod: ReturnType<typeof calls>[]) => ({
  ...inPeriod(3),
  billedByPeriod,
  billed: billedByPeriod.map(({ period, ...total }) => total),
});

describe('usage that is on no invoice yet', () => {
  it('is what was recorded, up to the open period, less what was billed', () => {
    const recorded = [calls(1, 10, 2), storage(2, 5, 1), calls(3, 7, 1), calls(4, 9, 1)];
    expect(unbilled(billed(calls(1, 6, 1)), recorded)).toEqual([
      ...[calls(1, 4, 1), storage(2, 5, 1), calls(3, 7, 1)],
    ]);
  });

  it('includes records of no quantity, and what is left of a record', () => {
    expect(unbilled(inPeriod(1), [calls(1, 0, 1)])).toEqual([calls(1, 0, 1)]);
    expect(unbilled(billed(calls(1, 6, 1)), [calls(1, 10, 1)])).toEqual([calls(1, 4, 0)]);
  });

  it('is not what was billed beyond what is recorded', () => {
    expect(unbilled(billed(calls(1, 6, 1)), [])).toEqual([]);
  });

  it('is only what the plan of its period meters', () => {
    const coffee = { period: 1, metric: 'coffee', quantity: 2, records: 1 };
    expect(unbilled(inPeriod(1), [coffee, calls(1, 7, 1)])).toEqual([calls(1, 7, 1)]);
  });

  it('belongs to the first or the last period if it is dated before or after', () => {
    const subscription = { ...inPeriod(2), lastPeriod: 2 };
    const recorded = [calls(0, 1, 1), calls(1, 2, 1), calls(2, 4, 1), calls(3, 8, 1)];
    expect(unbilled(subscription, recorded)).toEqual([calls(1, 3, 2), calls(2, 12, 2)]);
  });
});

describe('usage on the invoices of the previous version, which stored only its sums', () => {
  const recorded = [calls(1, 6, 1), calls(2, 6, 2), storage(2, 5, 1), calls(3, 5, 1)];
  const sums = (quantity: number, records: number) => [{ metric: 'api_calls', quantity, records }];

  it('is the oldest that was recorded before the open period', () => {
    const subscription = { ...inPeriod(3), billed: sums(10, 3) };
    expect(billedByPeriod(subscription, recorded)).toEqual([
      ...[calls(1, 6, 1), calls(2, 4, 2), storage(2, 0, 0)],
    ]);
    expect(unbilled(subscription, recorded)).toEqual([calls(2, 2, 0), storage(2, 5, 1), calls(3, 5, 1)]);
  });

  it('is not what is known to be on an invoice', () => {
    const subscription = { ...inPeriod(3), billed: sums(10, 3), billedByPeriod: [calls(2, 6, 2)] };
    expect(unbilled(subscription, recorded)).toEqual([calls(1, 2, 0), storage(2, 5, 1), calls(3, 5, 1)]);
  });

  it('is none of the open period, even if more was billed than was recorded', () => {
    expect(unbilled({ ...inPeriod(3), billed: sums(99, 9) }, recorded)).toEqual([
      ...[storage(2, 5, 1), calls(3, 5, 1)],
    ]);
  });

  it('is known if the sums have no other part', () => {
    const subscription = billed(calls(1, 6, 1));
    expect(billedByPeriod(subscription, recorded)).toBe(subscription.billedByPeriod);
  });
});
