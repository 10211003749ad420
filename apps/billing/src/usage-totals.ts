import { sum } from './money.ts';

/** The total usage of one metric. */
export type UsageTotal = { metric: string; quantity: number; records: number };

/** The total usage of one metric in one period. */
export type PeriodTotal = UsageTotal & { period: number };

/** Adds totals by metric. */
export function add(a: UsageTotal[], b: UsageTotal[]): UsageTotal[] {
  return combine(a, b, 1);
}

/** Subtracts `part` from `all` by metric, without the metrics that become zero. */
export function subtract(all: UsageTotal[], part: UsageTotal[]): UsageTotal[] {
  return combine(all, part, -1).filter(({ quantity, records }) => quantity !== 0 || records !== 0);
}

function combine(a: UsageTotal[], b: UsageTotal[], sign: 1 | -1): UsageTotal[] {
  const metrics = [...new Set([...a, ...b].map(({ metric }) => metric))].sort();
  return metrics.map((metric) => {
    const [left, right] = [totalOf(a, metric), totalOf(b, metric)];
    return {
      metric,
      quantity: sum([left.quantity, sign * right.quantity]),
      records: sum([left.records, sign * right.records]),
    };
  });
}

/** Returns the total of one metric; zero if there is none. */
export function totalOf(totals: UsageTotal[], metric: string): UsageTotal {
  return totals.find((total) => total.metric === metric) ?? { metric, quantity: 0, records: 0 };
}

/** Adds totals by period and metric. */
export function addPeriods(a: PeriodTotal[], b: PeriodTotal[]): PeriodTotal[] {
  return perPeriod(a, b, add);
}

/** Subtracts `part` from `all` by period and metric, without the periods and metrics that become zero. */
export function subtractPeriods(all: PeriodTotal[], part: PeriodTotal[]): PeriodTotal[] {
  return perPeriod(all, part, subtract);
}

function perPeriod(a: PeriodTotal[], b: PeriodTotal[], combined: typeof add): PeriodTotal[] {
  const periods = [...new Set([...a, ...b].map(({ period }) => period))].sort((x, y) => x - y);
  return periods.flatMap((period) => withPeriod(period, combined(inPeriod(a, period), inPeriod(b, period))));
}

/** Returns the totals of one period. */
export function inPeriod(totals: PeriodTotal[], period: number): UsageTotal[] {
  return byMetric(totals.filter((total) => total.period === period));
}

function withPeriod(period: number, totals: UsageTotal[]): PeriodTotal[] {
  return totals.map((total) => ({ period, ...total }));
}

/** Returns the sums over all periods by metric. */
export function byMetric(totals: PeriodTotal[]): UsageTotal[] {
  return totals.reduce<UsageTotal[]>(
    (all, { metric, quantity, records }) => add(all, [{ metric, quantity, records }]),
    [],
  );
}

/**
 * Creates a function that adds a quantity to the sum of a metric and returns whether a number can represent the result
 * exactly. If not, it does not add the quantity.
 */
export function followSums(totals: Iterable<{ metric: string; quantity: number | bigint }>) {
  const sums = new Map<string, bigint>();
  const grow = (metric: string, quantity: number | bigint) => (sums.get(metric) ?? 0n) + BigInt(quantity);
  for (const { metric, quantity } of totals) sums.set(metric, grow(metric, quantity));
  return (metric: string, quantity: number): boolean => {
    const sum = grow(metric, quantity);
    if (sum > BigInt(Number.MAX_SAFE_INTEGER)) return false;
    sums.set(metric, sum);
    return true;
  };
}
