import { sum } from './money.ts';

/** Usage of one metric, added up. */
export type UsageTotal = { metric: string; quantity: number; records: number };

/** Adds totals metric by metric. */
export function add(a: UsageTotal[], b: UsageTotal[]): UsageTotal[] {
  return combine(a, b, 1);
}

/** What is in `all` and not in `part`, without the metrics of which nothing is left. */
export function subtract(all: UsageTotal[], part: UsageTotal[]): UsageTotal[] {
  return combine(all, part, -1).filter(({ records }) => records !== 0);
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
