import type { Plan, Subscription as SubscriptionDocument } from '@slipway/contracts/billing';
import { problem } from '@slipway/contracts/errors';
import type { Position } from '@slipway/platform/core/pagination';
import { event } from './events.ts';
import type { AggregateStore, Change } from './ledger.ts';
import { type Period, periodNumberAt, periodOf } from './periods.ts';
import { planOf } from './plans.ts';
import { add, type UsageTotal } from './usage-totals.ts';

/** A subscription as it is kept: with the state of its billing. */
export type Subscription = SubscriptionDocument & {
  /** Number of the open period, which the next invoice bills. */
  period: number;
  /** When the open period can be billed; absent when nothing is left to bill. */
  dueAt?: string;
  /** Usage that invoices hold so far. */
  billed: UsageTotal[];
  /** Plans that were in force when periods ended that are not billed yet, oldest first; absent if it is `planId`. */
  earlierPlans?: EarlierPlan[];
};

type EarlierPlan = { planId: string; lastPeriod: number };

export type SubscriptionStore = AggregateStore<Subscription> & {
  /** Those of the ids that exist, in any order. */
  find(ids: string[]): Promise<Subscription[]>;
  /** Newest first, by `startedAt` and id. */
  list(
    filter: { userId?: string; status?: Subscription['status'] },
    limit: number,
    after?: Position,
  ): Promise<Subscription[]>;
  /** Those that are due at an instant, by `dueAt` and id. */
  due(asOf: string, limit: number, after?: Position): Promise<Subscription[]>;
};

/** Starts a subscription; its first period begins at the same instant. */
export function start(id: string, userId: string, plan: Plan, now: string): Change<Subscription> {
  const first = { id, userId, planId: plan.id, status: 'active' as const, startedAt: now, version: 1 };
  const next = { ...first, ...openPeriod(periodOf(now, 1)), billed: [] };
  return changed('subscription.started', next);
}

/**
 * Moves a subscription to another plan, which bills the whole period that runs: nothing is prorated. Periods that
 * have ended keep their plan.
 *
 * @returns `undefined` if it has this plan already.
 * @throws {Problem} subscription_ended or currency_differs.
 */
export function changePlan(
  subscription: Subscription,
  plan: Plan,
  now: string,
): Change<Subscription> | undefined {
  if (subscription.status === 'cancelled') throw problem('subscription_ended');
  if (subscription.planId === plan.id) return undefined;
  const { currency } = planOf(subscription.planId);
  if (plan.currency !== currency) {
    const fields = [{ field: 'body.planId', message: `must be a plan in ${currency}` }];
    throw problem('currency_differs', undefined, { fields });
  }
  return changed('subscription.changed', {
    ...subscription,
    planId: plan.id,
    earlierPlans: openPlans(plansUntil(subscription, now), subscription.period),
    version: subscription.version + 1,
  });
}

/** The plan that bills the open period: the one in force at its end, or the present one if it has not ended. */
export function planIdOf({ period, planId, earlierPlans = [] }: Subscription): string {
  return earlierPlans.find(({ lastPeriod }) => period <= lastPeriod)?.planId ?? planId;
}

/** The first change after a period's end counts; later ones find the plan of that end kept. */
function plansUntil({ planId, startedAt, earlierPlans = [] }: Subscription, now: string): EarlierPlan[] {
  const lastPeriod = periodNumberAt(startedAt, now) - 1;
  const isKept = earlierPlans.some((earlier) => earlier.lastPeriod >= lastPeriod);
  return isKept ? earlierPlans : [...earlierPlans, { planId, lastPeriod }];
}

/** Those that a period from `period` on still needs. */
function openPlans(plans: EarlierPlan[], period: number): EarlierPlan[] | undefined {
  const open = plans.filter(({ lastPeriod }) => lastPeriod >= period);
  return open.length === 0 ? undefined : open;
}

/**
 * Ends a subscription. Its open period ends, too, and is due; periods that ended before stay due.
 *
 * @returns `undefined` if it has ended already.
 */
export function cancel(subscription: Subscription, now: string): Change<Subscription> | undefined {
  if (subscription.status === 'cancelled') return undefined;
  const ended = { ...subscription, status: 'cancelled' as const, cancelledAt: now };
  return changed('subscription.cancelled', {
    ...ended,
    dueAt: dueAt(ended, now),
    version: subscription.version + 1,
  });
}

/** When the open period ends: by itself, or by the end of the subscription if that comes first. */
export function endOf({ periodEnd, cancelledAt }: Subscription): string {
  return cancelledAt !== undefined && cancelledAt < periodEnd ? cancelledAt : periodEnd;
}

/**
 * Opens the period after the one that an invoice has billed.
 *
 * @param billed the usage that the invoice holds
 */
export function advance(subscription: Subscription, billed: UsageTotal[]): Change<Subscription> {
  const opened = openPeriod(periodOf(subscription.startedAt, subscription.period + 1));
  const next = {
    ...subscription,
    ...opened,
    dueAt: dueAt({ ...subscription, ...opened }, subscription.cancelledAt),
    billed: add(subscription.billed, billed),
    earlierPlans: openPlans(subscription.earlierPlans ?? [], opened.period),
    version: subscription.version + 1,
  };
  return { next, entries: [], events: [] };
}

function openPeriod({ number, start, end }: Period) {
  return { period: number, periodStart: start, periodEnd: end, dueAt: end };
}

/** A subscription that has ended before its open period began owes nothing for it. */
function dueAt(subscription: Omit<Subscription, 'dueAt'>, cancelledAt?: string): string | undefined {
  if (cancelledAt === undefined || subscription.periodStart < cancelledAt) return endOf(subscription);
  return undefined;
}

type SubscriptionEvent = 'subscription.started' | 'subscription.changed' | 'subscription.cancelled';

function changed(type: SubscriptionEvent, next: Subscription): Change<Subscription> {
  const { id: subscriptionId, userId, planId, version } = next;
  const { price, currency } = planOf(planId);
  const data = { subscriptionId, userId, planId, price, currency, version };
  return { next, entries: [], events: [event(type, `${subscriptionId}:${version}`, data)] };
}
