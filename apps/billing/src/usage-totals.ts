import { sum } from './money.ts';

/** Usage of one metric, added up. */
export type UsageTotal = { metric: string; quantity: number; records: number };

/** Usage of one metric in one period. */
export type PeriodTotal = UsageTotal & { period: number };

/** Adds totals metric by metric. */
export function add(a: UsageTotal[], b: UsageTotal[]): UsageTotal[] {
  return combine(a, b, 1);
}

/** What is in `all` and not in `part`, without the metrics of which nothing is left. */
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

/** The total of one metric; zero if there is none. */
export function totalOf(totals: UsageTotal[], metric: string): UsageTotal {
  return totals.find((total) => total.metric === metric) ?? { metric, quantity: 0, records: 0 };
}

/** Adds totals period by period and metric by metric. */
export function addPeriods(a: PeriodTotal[], b: PeriodTotal[]): PeriodTotal[] {
  return perPeriod(a, b, add);
}

/** What is in `all` and not in `part`, without the periods and metrics of which nothing is left. */
export function subtractPeriods(all: PeriodTotal[], part: PeriodTotal[]): PeriodTotal[] {
  return perPeriod(all, part, subtract);
}

function perPeriod(a: PeriodTotal[], b: PeriodTotal[], combined: typeof add): PeriodTotal[] {
  const periods = [...new Set([...a, ...b].map(({ period }) => period))].sort((x, y) => x - y);
  return periods.flatMap((period) => withPeriod(period, combined(inPeriod(a, period), inPeriod(b, period))));
}

/** The totals of one period. */
export function inPeriod(totals: PeriodTotal[], period: number): UsageTotal[] {
  return byMetric(totals.filter((total) => total.period === period));
}

function withPeriod(period: number, totals: UsageTotal[]): PeriodTotal[] {
  return totals.map((total) => ({ period, ...total }));
}

/** Adds up all periods. */
export function byMetric(totals: PeriodTotal[]): UsageTotal[] {
  return totals.reduce<UsageTotal[]>(
    (all, { metric, quantity, records }) => add(all, [{ metric, quantity, records }]),
    [],
  );
}

/**
 * Follows the sums of a subscription's metrics while records are added to it.
 *
 * @returns a function that adds a quantity, or returns `false` if the sum would be too large for a number
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
