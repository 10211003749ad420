import type { DomainEvent } from '@slipway/contract-kit/event';
import type { UsageRecord as UsageDocument } from '@slipway/contracts/billing';
import { problem } from '@slipway/contracts/errors';
import { toInstant } from '@slipway/platform/core/instant';
import { newEvent } from '@slipway/platform/events/new-event';
import { type Clock, clockSkew, refuseFuture } from './clock.ts';
import { sum } from './money.ts';
import { periodNumberAt } from './periods.ts';
import { periodWithin, type Subscription } from './subscriptions.ts';
import { planFor } from './terms.ts';
import type { PeriodTotal } from './usage-totals.ts';

/** A usage record as it is kept. Its id is unique within its subscription. */
export type UsageRecord = UsageDocument & {
  userId: string;
  /** Number of the period that `at` falls into. */
  period: number;
};

/**
 * `conflict`: the subscription has a record with this id and other content. `too_large`: with this record, the sum of
 * the subscription's metric over all periods would be beyond 2^53.
 */
export type UsageOutcome = 'added' | 'duplicate' | 'conflict' | 'too_large';

export type UsageStore = {
  /**
   * Adds the records whose ids are new, those of each subscription in one step with the events that `eventsOf` makes
   * of just those.
   *
   * @returns the outcome of each record, in their order.
   */
  add(records: UsageRecord[], eventsOf: (added: UsageRecord[]) => DomainEvent[]): Promise<UsageOutcome[]>;
  /** Adds up a subscription's records by period and metric, sorted by both. */
  totals(subscriptionId: string): Promise<PeriodTotal[]>;
};

/**
 * Checks a record against the subscription that it names.
 *
 * @param subscription `undefined` if there is none that the caller may see
 * @throws {Problem} not_found, unknown_metric, subscription_ended, or invalid_request for a time that does not
 * fit.
 */
export function admit(
  record: UsageDocument,
  subscription: Subscription | undefined,
  clock: Clock,
): UsageRecord {
  if (!subscription) throw refusal('not_found', 'subscriptionId', 'is no subscription of the caller');
  const at = sinceStart(toInstant(record.at), subscription.startedAt);
  const period = periodOfUsage(subscription, at);
  const plan = planFor(subscription.terms, periodWithin(subscription, period));
  const metrics = plan.meters.map(({ metric }) => metric);
  if (!metrics.includes(record.metric)) {
    throw refusal('unknown_metric', 'metric', `must be one of ${metrics.join(', ')}`);
  }
  if (hasEnded(subscription, at)) throw problem('subscription_ended');
  refuseFuture(clock, 'body.at', at);
  return { ...record, at, userId: subscription.userId, period };
}

/** The first use may seem to come before its subscription: by another clock, or one that tells whole seconds. */
function sinceStart(at: string, startedAt: string): string {
  if (at >= startedAt) return at;
  if (Date.parse(startedAt) - Date.parse(at) <= clockSkew) return startedAt;
  throw refusal('invalid_request', 'at', `is before the subscription began at ${startedAt}`);
}

/** Usage before the end may arrive at any time: a further invoice bills it. */
function hasEnded({ endsAt }: Subscription, at: string): boolean {
  return endsAt !== undefined && at >= endsAt;
}

/** Most usage falls into the open period; that spares the calendar. */
function periodOfUsage({ startedAt, period, periodStart, periodEnd }: Subscription, at: string): number {
  return periodStart <= at && at < periodEnd ? period : periodNumberAt(startedAt, at);
}

function refusal(code: 'not_found' | 'unknown_metric' | 'invalid_request', name: string, message: string) {
  const field = `body.${name}`;
  return problem(code, `${field} ${message}`, { fields: [{ field, message }] });
}

/** Tells of added records: one event for each subscription and metric among them. */
export function usageEvents(added: UsageRecord[]): DomainEvent[] {
  const groups = Map.groupBy(added, ({ subscriptionId, metric }) => `${subscriptionId} ${metric}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const { subscriptionId, userId, metric } = first;
    const quantity = sum(group.map((record) => record.quantity));
    const data = { subscriptionId, userId, metric, quantity, records: group.length };
    return [newEvent('billing', 'usage.recorded', data)];
  });
}
