import type { Plan, UsageRecord } from '@slipway/contracts/billing';

/**
 * Computes the expected results from the demo's input, without any code of the system. Amounts are BigInt minor units.
 */

/** Sums up records by metric. */
export function quantities(records: Iterable<UsageRecord>): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { metric, quantity } of records) sums.set(metric, (sums.get(metric) ?? 0n) + BigInt(quantity));
  return sums;
}

/** Returns the price of a month: the plan's, plus each meter's usage beyond the included units, rounded half up. */
export function invoiceTotal({ price, meters }: Plan, used: Map<string, bigint>): bigint {
  return meters.reduce((total, meter) => {
    const beyond = (used.get(meter.metric) ?? 0n) - BigInt(meter.included);
    return beyond > 0n ? total + roundedHalfUp(beyond * BigInt(meter.price), BigInt(meter.per)) : total;
  }, BigInt(price));
}

function roundedHalfUp(dividend: bigint, divisor: bigint): bigint {
  const [whole, rest] = [dividend / divisor, dividend % divisor];
  return rest * 2n >= divisor ? whole + 1n : whole;
}

/** Returns a percentage of an amount, rounded down. */
export function percentOf(amount: bigint, percent: number): bigint {
  return (amount * BigInt(percent)) / 100n;
}

/** Two sums for each plan and currency, such as paid and refunded. */
export type Totals = Map<string, { planId: string; currency: string; sums: [bigint, bigint] }>;

/** Adds to the sums of a plan and currency. */
export function addTo(totals: Totals, planId: string, currency: string, first: bigint, second: bigint): void {
  const key = `${planId} ${currency}`;
  const [a, b] = totals.get(key)?.sums ?? [0n, 0n];
  totals.set(key, { planId, currency, sums: [a + first, b + second] });
}

/** Returns `after` minus `before`, without the rows in which both sums are 0. */
export function difference(after: Totals, before: Totals): Totals {
  const result: Totals = new Map(after);
  for (const { planId, currency, sums } of before.values())
    addTo(result, planId, currency, -sums[0], -sums[1]);
  return withoutZeros(result);
}

export function areEqual(a: Totals, b: Totals): boolean {
  return difference(a, b).size === 0;
}

function withoutZeros(totals: Totals): Totals {
  return new Map([...totals].filter(([, { sums }]) => sums[0] !== 0n || sums[1] !== 0n));
}
