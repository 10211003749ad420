import type { Plan } from '@slipway/contracts/billing';
import { periodNumberAt } from './periods.ts';
import type { Subscription, SubscriptionStore } from './subscriptions.ts';
import { agree, planFor, type Terms } from './terms.ts';
import type { PeriodTotal } from './usage-totals.ts';

/**
 * A subscription as the previous version of the service writes it: without terms, or with the terms that it read. In
 * that version a cancellation ends a subscription immediately.
 */
export type EarlierSubscription = Omit<Subscription, 'terms' | 'billedByPeriod'> & {
  terms?: Terms[];
  billedByPeriod?: PeriodTotal[];
  /** Plans of the periods that have ended, oldest first; absent if it was `planId` in all of them. */
  earlierPlans?: { planId: string; lastPeriod: number }[];
};

/** Makes a store convert subscriptions of the previous version when it reads them. A write stores the new form. */
export function readEarlier(store: SubscriptionStore): SubscriptionStore {
  return {
    ...store,
    get: async (id) => {
      const found = await store.get(id);
      return found && upgrade(found);
    },
    find: async (...query) => (await store.find(...query)).map(upgrade),
    list: async (...query) => (await store.list(...query)).map(upgrade),
    due: async (...query) => (await store.due(...query)).map(upgrade),
  };
}

export function upgrade(stored: EarlierSubscription): Subscription {
  const { earlierPlans, terms, billedByPeriod = [], ...subscription } = stored;
  return { ...subscription, ...endOf(stored), terms: termsOf(stored), billedByPeriod };
}

function endOf({ startedAt, status, cancelledAt, endsAt, dueAt, period }: EarlierSubscription) {
  if (status !== 'cancelled' || cancelledAt === undefined || endsAt !== undefined) return {};
  const justBefore = new Date(Date.parse(cancelledAt) - 1).toISOString();
  const last = Math.max(period, periodNumberAt(startedAt, justBefore));
  return { endsAt: cancelledAt, lastPeriod: dueAt === undefined ? period - 1 : last };
}

function termsOf({
  planId,
  period,
  lastPeriod,
  earlierPlans = [],
  terms = [],
}: EarlierSubscription): Terms[] {
  const isKnown = terms.length > 0 && planFor(terms, Math.min(period, lastPeriod ?? period)).id === planId;
  if (isKnown) return terms;
  let found = terms;
  let fromPeriod = terms.length > 0 ? period : 1;
  for (const earlier of earlierPlans) {
    found = agree(found, fromPeriod, earlierPlan(earlier.planId));
    fromPeriod = earlier.lastPeriod + 1;
  }
  return agree(found, fromPeriod, earlierPlan(planId));
}

function earlierPlan(id: string): Plan {
  const plan = earlierCatalogue.find((each) => each.id === id);
  if (!plan) throw new Error(`The earlier catalogue has no plan ${id}`);
  return plan;
}

const euro = (id: string, name: string, price: number, calls: number[], storage: number[]) =>
  planOf({ id, name, currency: 'EUR', price }, calls, storage);

function planOf(facts: Omit<Plan, 'meters'>, calls: number[], storage: number[]): Plan {
  const meters = [
    { metric: 'api_calls', included: calls[0] ?? 0, price: calls[1] ?? 0, per: 1_000 },
    { metric: 'storage_gb_hours', included: storage[0] ?? 0, price: storage[1] ?? 0, per: 100 },
  ];
  return { ...facts, meters };
}

/** The catalogue of the previous version. It must never change, because these prices were agreed. */
const earlierCatalogue: readonly Plan[] = [
  euro('free', 'Free', 0, [1_000, 100], [720, 5]),
  euro('starter', 'Starter', 1_900, [10_000, 60], [7_200, 4]),
  euro('pro', 'Pro', 9_900, [100_000, 35], [72_000, 3]),
  planOf(
    { id: 'pro-usd', name: 'Pro (US dollars)', currency: 'USD', price: 10_900 },
    [100_000, 39],
    [72_000, 3],
  ),
];
