import { type Priority, priorities } from '@slipway/contract-kit/operation';
import { durationBuckets } from './request-metrics.ts';

/** Counts since the process started. A reader computes rates and percentiles from two of these. */
export type TotalsView = {
  count: number;
  failed: number;
  /** The number of durations in each bucket of `durationBuckets`; the last element counts longer ones. */
  buckets: number[];
};

/**
 * Counts work and its durations over all routes or operations, for `/status`: reading the histograms of all routes every
 * second would cost far more than adding to one more.
 *
 * @example
 * totals.add(0.012, false);
 */
export class Totals {
  #count = 0;
  #failed = 0;
  readonly #buckets = new Array<number>(durationBuckets.length + 1).fill(0);

  add(seconds: number, isFailure: boolean): void {
    this.#count += 1;
    if (isFailure) this.#failed += 1;
    let bucket = 0;
    while (bucket < durationBuckets.length && seconds > (durationBuckets[bucket] as number)) bucket += 1;
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
  }

  view(): TotalsView {
    return { count: this.#count, failed: this.#failed, buckets: [...this.#buckets] };
  }
}

/** The requests of one priority: those that were served, and the number of those that were rejected. */
type PriorityTotals = { served: Totals; rejected: number };

/**
 * Makes the counts of requests by the priority of their operation.
 *
 * @example
 * totalsByPriority().money.served.add(0.012, false);
 */
export function totalsByPriority(): Record<Priority, PriorityTotals> {
  const made = priorities.map((priority) => [priority, { served: new Totals(), rejected: 0 }]);
  return Object.fromEntries(made) as Record<Priority, PriorityTotals>;
}

/**
 * Returns a percentile of the durations between two views, in milliseconds, as Prometheus does: durations are assumed to
 * be spread evenly over their bucket, and those beyond the last bound count as that bound.
 *
 * @param fraction such as 0.99
 * @returns `undefined` if there was nothing between the two
 */
export function percentileBetween(
  before: TotalsView,
  after: TotalsView,
  fraction: number,
): number | undefined {
  const counts = after.buckets.map((count, index) => count - (before.buckets[index] ?? 0));
  const rank = fraction * counts.reduce((sum, count) => sum + count, 0);
  if (rank <= 0) return undefined;
  let below = 0;
  for (const [index, count] of counts.entries()) {
    const from = durationBuckets[index - 1] ?? 0;
    const to = durationBuckets[index] ?? from;
    if (below + count >= rank) return 1_000 * (from + (to - from) * ((rank - below) / count));
    below += count;
  }
  return undefined;
}
