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

/** A usage record as it is stored. Its id is unique within its subscription. */
export type UsageRecord = UsageDocument & {
  userId: string;
  /** Number of the period that contains `at`. */
  period: number;
};

/**
 * `conflict`: the subscription has a record with this id and different content. `too_large`: with this record, the
 * metric's sum over all periods of the subscription would be beyond 2^53 − 1.
 */
export type UsageOutcome = 'added' | 'duplicate' | 'conflict' | 'too_large';

export type UsageStore = {
  /**
   * Adds the records whose ids are new. The records of each subscription are added in one atomic step, together with
   * the events that `eventsOf` creates for the added records.
   *
   * @returns the outcome of each record, in order.
   */
  add(records: UsageRecord[], eventsOf: (added: UsageRecord[]) => DomainEvent[]): Promise<UsageOutcome[]>;
  /** Returns the totals of a subscription by period and metric, sorted by both. */
  totals(subscriptionId: string): Promise<PeriodTotal[]>;
};

/**
 * Checks a record against its subscription; returns it as it is stored.
 *
 * @param subscription `undefined` if the subscription does not exist or the caller may not access it
 * @throws {Problem} not_found, unknown_metric, subscription_ended, or invalid_request if the time is not allowed.
 */
export function admit(
  record: UsageDocument,
  subscription: Subscription | undefined,
  clock: Clock,
): UsageRecord {
  if (!subscription) throw invalid('not_found', 'subscriptionId', 'is not a subscription of the caller');
  const at = sinceStart(toInstant(record.at), subscription.startedAt);
  const period = periodOfUsage(subscription, at);
  const plan = planFor(subscription.terms, periodWithin(subscription, period));
  const metrics = plan.meters.map(({ metric }) => metric);
  if (!metrics.includes(record.metric)) {
    throw invalid('unknown_metric', 'metric', `must be one of ${metrics.join(', ')}`);
  }
  if (hasEnded(subscription, at)) throw problem('subscription_ended');
  refuseFuture(clock, 'body.at', at);
  return { ...record, at, userId: subscription.userId, period };
}

/**
 * Returns the time of usage, or the subscription's start if that is slightly later: the caller's clock may be
 * behind or have only whole seconds.
 */
function sinceStart(at: string, startedAt: string): string {
  if (at >= startedAt) return at;
  if (Date.parse(startedAt) - Date.parse(at) <= clockSkew) return startedAt;
  throw invalid('invalid_request', 'at', `is before the subscription began at ${startedAt}`);
}

/**
 * Returns whether usage is dated after the end. Earlier usage may still arrive at any time; a later invoice
 * bills it.
 */
function hasEnded({ endsAt }: Subscription, at: string): boolean {
  return endsAt !== undefined && at >= endsAt;
}

/** Returns the period of a time. Most usage is in the open period, which needs no calendar arithmetic. */
function periodOfUsage({ startedAt, period, periodStart, periodEnd }: Subscription, at: string): number {
  return periodStart <= at && at < periodEnd ? period : periodNumberAt(startedAt, at);
}

function invalid(code: 'not_found' | 'unknown_metric' | 'invalid_request', name: string, message: string) {
  const field = `body.${name}`;
  return problem(code, `${field} ${message}`, { fields: [{ field, message }] });
}

/** Creates one event for each subscription and metric of the added records. */
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
