import { isDeepStrictEqual } from 'node:util';
import type { Plan, Subscription as SubscriptionDocument } from '@slipway/contracts/billing';
import { problem } from '@slipway/contracts/errors';
import type { Position } from '@slipway/platform/core/pagination';
import { event } from './events.ts';
import type { AggregateStore, Change } from './ledger.ts';
import { periodNumberAt, periodOf } from './periods.ts';
import { agree, lastPlan, planFor, type Terms } from './terms.ts';
import { add, addPeriods, type PeriodTotal, type UsageTotal } from './usage-totals.ts';

/** A subscription as it is stored, including the state of its billing. */
export type Subscription = SubscriptionDocument & {
  /** Number of the open period, which the next invoice bills. */
  period: number;
  /** The instant from which the open period can be billed; absent if nothing is left to bill. */
  dueAt?: string;
  /** Number of the last period; absent while the subscription renews. */
  lastPeriod?: number;
  /** Plans and prices by period, oldest first. */
  terms: Terms[];
  /** Usage on all invoices so far, by period. */
  billedByPeriod: PeriodTotal[];
  /** The same usage by metric only, which the previous version of the service reads and writes. */
  billed: UsageTotal[];
};

export type SubscriptionStore = AggregateStore<Subscription> & {
  /** Returns the subscriptions with these ids that exist, in any order. */
  find(ids: string[]): Promise<Subscription[]>;
  /** Returns subscriptions sorted by `startedAt` and id, newest first. */
  list(
    filter: { userId?: string; status?: Subscription['status'] },
    limit: number,
    after?: Position,
  ): Promise<Subscription[]>;
  /** Returns subscriptions that are due at `asOf`, sorted by `dueAt` and id. */
  due(asOf: string, limit: number, after?: Position): Promise<Subscription[]>;
};

/** Starts a subscription; its first period begins at the same instant. */
export function start(id: string, userId: string, plan: Plan, now: string): Change<Subscription> {
  const { start: periodStart, end: periodEnd } = periodOf(now, 1);
  const next: Subscription = {
    ...{ id, userId, planId: plan.id, status: 'active', startedAt: now, version: 1 },
    ...{ period: 1, periodStart, periodEnd, dueAt: periodEnd },
    ...{ terms: [{ fromPeriod: 1, plan }], billed: [], billedByPeriod: [] },
  };
  return { next, entries: [], events: [eventOf('subscription.started', next, plan)] };
}

/**
 * Moves a subscription to another plan at the start of the next period. Until then, a later request replaces this one.
 *
 * @returns `undefined` if the plan is already the next one.
 * @throws {Problem} subscription_ended, also if it is only cancelled; currency_differs.
 */
export function changePlan(
  subscription: Subscription,
  plan: Plan,
  now: string,
): Change<Subscription> | undefined {
  const { terms, endsAt } = subscription;
  if (endsAt !== undefined)
    throw problem('subscription_ended', `The subscription is cancelled and ends at ${endsAt}`);
  const { id, currency } = lastPlan(terms);
  if (id === plan.id) return undefined;
  if (plan.currency !== currency) {
    const fields = [{ field: 'body.planId', message: `must be a plan in ${currency}` }];
    throw problem('currency_differs', undefined, { fields });
  }
  return changed(subscription, { terms: agree(terms, begun(subscription, now) + 1, plan) });
}

/**
 * Cancels a subscription: the current period is its last, and is billed as usual.
 *
 * @returns `undefined` if the subscription is already cancelled.
 */
export function cancel(subscription: Subscription, now: string): Change<Subscription> | undefined {
  if (subscription.status === 'cancelled') return undefined;
  const lastPeriod = begun(subscription, now);
  const { end: endsAt } = periodOf(subscription.startedAt, lastPeriod);
  return changed(subscription, { status: 'cancelled', cancelledAt: now, endsAt, lastPeriod });
}

/**
 * Revokes a cancellation.
 *
 * @returns `undefined` if the subscription is not cancelled.
 * @throws {Problem} subscription_ended
 */
export function resume(subscription: Subscription, now: string): Change<Subscription> | undefined {
  const { endsAt } = subscription;
  if (endsAt === undefined) return undefined;
  if (endsAt <= now) throw problem('subscription_ended', `The subscription ended at ${endsAt}`);
  const none = { cancelledAt: undefined, endsAt: undefined, lastPeriod: undefined };
  return changed(subscription, { status: 'active', ...none });
}

/**
 * Ends a subscription because its account is closed. The current period ends and is due now, at the full price.
 *
 * @returns `undefined` if the subscription has already ended.
 */
export function end(subscription: Subscription, now: string): Change<Subscription> | undefined {
  const { endsAt, cancelledAt = now } = subscription;
  if (endsAt !== undefined && endsAt <= now) return undefined;
  const lastPeriod = begun(subscription, now);
  return changed(subscription, { status: 'cancelled', cancelledAt, endsAt: now, lastPeriod });
}

/** Ends a subscription that was started while its account was being closed. It has never run, so nothing is owed. */
export function withdraw(subscription: Subscription): Change<Subscription> | undefined {
  if (subscription.lastPeriod !== undefined) return undefined;
  const { startedAt } = subscription;
  return changed(subscription, {
    ...{ status: 'cancelled', cancelledAt: startedAt, endsAt: startedAt, lastPeriod: 0 },
  });
}

/**
 * Opens the period after the one that an invoice has billed. Changed catalogue prices apply from the next period; if a
 * plan is already agreed from then or later, from the period after that.
 *
 * @param billed the usage on the invoice
 * @param offered the current catalogue
 */
export function advance(
  subscription: Subscription,
  billed: { usage: UsageTotal[]; usageByPeriod?: PeriodTotal[] },
  now: string,
  offered: readonly Plan[] = [],
): Change<Subscription> {
  const next = {
    period: subscription.period + 1,
    billed: add(subscription.billed, billed.usage),
    billedByPeriod: addPeriods(subscription.billedByPeriod, billed.usageByPeriod ?? []),
  };
  const { terms, endsAt } = subscription;
  const plan = offered.find(({ id }) => id === lastPlan(terms).id);
  if (!plan || endsAt !== undefined || isDeepStrictEqual(plan, lastPlan(terms)))
    return changed(subscription, next);
  const chosen = terms.at(-1)?.fromPeriod ?? 1;
  const fromPeriod = Math.max(begun({ ...subscription, ...next }, now), chosen) + 1;
  return changed(subscription, { ...next, terms: agree(terms, fromPeriod, plan) });
}

/**
 * Makes an ended subscription due again, to bill usage that arrived after its last invoice.
 *
 * @param late usage that is on no invoice
 * @returns `undefined` if there is no such usage, or the subscription is already due.
 */
export function reopen(subscription: Subscription, late: PeriodTotal[]): Change<Subscription> | undefined {
  const { dueAt, endsAt } = subscription;
  if (dueAt !== undefined || endsAt === undefined || late.length === 0) return undefined;
  const { next } = changed(subscription, {});
  return { next: { ...next, dueAt: endsAt }, entries: [], events: [] };
}

/**
 * Returns whether the open period belongs to the subscription. One after the last period exists only for late usage.
 */
export function isRunning({ period, lastPeriod }: Pick<Subscription, 'period' | 'lastPeriod'>): boolean {
  return lastPeriod === undefined || period <= lastPeriod;
}

/**
 * Returns the period of the subscription that usage belongs to: usage dated before the first period belongs to the
 * first, and usage dated after the last to the last.
 */
export function periodWithin({ lastPeriod = Number.MAX_SAFE_INTEGER }: Subscription, period: number): number {
  return Math.max(1, Math.min(period, lastPeriod));
}

/**
 * Returns the number of the last period that has begun. A period that is already billed has begun, even if the run that
 * billed it had a clock ahead of this one.
 */
function begun({ startedAt, period }: Pick<Subscription, 'startedAt' | 'period'>, now: string): number {
  return Math.max(1, periodNumberAt(startedAt, now), period - 1);
}

/** Returns the next version of a subscription, with the events for reporting. */
function changed(before: Subscription, difference: Partial<Subscription>): Change<Subscription> {
  const next = withOpenPeriod({ ...before, ...difference, version: before.version + 1 });
  const [was, is] = [runningPlan(before), runningPlan(next)];
  const events = [];
  if (is && !isDeepStrictEqual(is, was)) events.push(eventOf('subscription.changed', next, is));
  if (was && !is) events.push(eventOf('subscription.cancelled', next, was));
  return { next, entries: [], events };
}

function withOpenPeriod(subscription: Subscription): Subscription {
  const { startedAt, period, terms, endsAt } = subscription;
  const { start: periodStart, end: periodEnd } = periodOf(startedAt, period);
  const plan = planFor(terms, periodWithin(subscription, period));
  const endOfOpen = endsAt !== undefined && endsAt < periodEnd ? endsAt : periodEnd;
  const dueAt = isRunning(subscription) ? endOfOpen : undefined;
  return {
    ...subscription,
    planId: plan.id,
    nextPlan: nextPlanOf(subscription),
    periodStart,
    periodEnd,
    dueAt,
  };
}

function nextPlanOf(subscription: Subscription): Subscription['nextPlan'] {
  const next = subscription.terms.at(-1);
  if (!next || next.fromPeriod <= subscription.period) return undefined;
  if (periodWithin(subscription, next.fromPeriod) !== next.fromPeriod) return undefined;
  const { id: planId, price } = next.plan;
  return { planId, price, startsAt: periodOf(subscription.startedAt, next.fromPeriod).start };
}

function runningPlan(subscription: Subscription): Plan | undefined {
  return isRunning(subscription) ? planFor(subscription.terms, subscription.period) : undefined;
}

type SubscriptionEvent = 'subscription.started' | 'subscription.changed' | 'subscription.cancelled';

function eventOf(type: SubscriptionEvent, { id: subscriptionId, userId, version }: Subscription, plan: Plan) {
  const { id: planId, price, currency } = plan;
  const data = { subscriptionId, userId, planId, price, currency, version };
  return event(type, `${subscriptionId}:${version}`, data);
}
