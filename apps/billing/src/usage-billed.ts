import { periodWithin, type Subscription } from './subscriptions.ts';
import { planFor } from './terms.ts';
import {
  addPeriods,
  byMetric,
  type PeriodTotal,
  subtract,
  subtractPeriods,
  totalOf,
} from './usage-totals.ts';

/**
 * The usage of the open period and of those before it that no invoice states. What a period's plan does not meter
 * stays out.
 *
 * @param totals the usage recorded so far
 */
export function unbilled(subscription: Subscription, totals: PeriodTotal[]): PeriodTotal[] {
  const recorded = recordedUsage(subscription, totals);
  return subtractPeriods(recorded, billedByPeriod(subscription, totals)).filter(
    ({ period, metric, quantity, records }) =>
      (records > 0 || quantity > 0) &&
      period <= subscription.period &&
      isMetered(subscription, period, metric),
  );
}

/**
 * The usage that invoices state, by period. The previous version stored sums of all periods: what they have more is
 * taken to be the oldest usage.
 */
export function billedByPeriod(subscription: Subscription, totals: PeriodTotal[]): PeriodTotal[] {
  const known = subscription.billedByPeriod;
  const rest = subtract(subscription.billed, byMetric(known));
  if (rest.length === 0) return known;
  const recorded = recordedUsage(subscription, totals);
  const older = subtractPeriods(recorded, known).filter(({ period }) => period < subscription.period);
  const found: PeriodTotal[] = [];
  for (const { period, metric, quantity, records } of older) {
    const left = totalOf(subtract(rest, byMetric(found)), metric);
    const part = { quantity: Math.min(quantity, left.quantity), records: Math.min(records, left.records) };
    found.push({ period, metric, ...part });
  }
  return addPeriods(known, found);
}

/** The totals, each in a period that the subscription has. */
function recordedUsage(subscription: Subscription, totals: PeriodTotal[]): PeriodTotal[] {
  const within = totals.map((total) => ({ ...total, period: periodWithin(subscription, total.period) }));
  return addPeriods(within, []);
}

function isMetered({ terms }: Subscription, period: number, metric: string): boolean {
  return planFor(terms, period).meters.some((meter) => meter.metric === metric);
}
