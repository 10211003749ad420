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
 * Returns the usage, up to the open period, that is on no invoice yet. Excludes metrics that the plan of a period does
 * not meter.
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
 * Returns the usage that is on invoices, by period. The previous version of the service stored only sums over all
 * periods. The part of those sums that has no period is assumed to be the oldest usage.
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

/** Assigns usage that is dated outside the subscription to its first or last period, and adds up the totals. */
function recordedUsage(subscription: Subscription, totals: PeriodTotal[]): PeriodTotal[] {
  const within = totals.map((total) => ({ ...total, period: periodWithin(subscription, total.period) }));
  return addPeriods(within, []);
}

function isMetered({ terms }: Subscription, period: number, metric: string): boolean {
  return planFor(terms, period).meters.some((meter) => meter.metric === metric);
}
