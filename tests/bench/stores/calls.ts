/** The hot operations of the services' stores, called as the services call them. */
import { randomUUID } from 'node:crypto';
import { issue } from '@slipway/billing/invoices';
import { planOf } from '@slipway/billing/plans';
import type { BillingStore } from '@slipway/billing/store/store';
import { changePlan, type Subscription, start } from '@slipway/billing/subscriptions';
import { type UsageRecord, usageEvents } from '@slipway/billing/usage';
import { newEvent } from '@slipway/platform/events/new-event';
import type { ReportedEvent } from '@slipway/reporting/figures';
import type { ReportingStore } from '@slipway/reporting/store/store';
import type { Account } from '@slipway/users/accounts';
import type { UsersStore } from '@slipway/users/store/store';
import type { Calls } from './rounds.ts';

const at = '2026-03-15T12:00:00.000Z';

/** The operations by their names on the page, with the number of concurrent callers. */
export const usersOperations = { 'account by id': 8, 'account by e-mail': 8, 'new account': 8 };
export const billingOperations = {
  'subscription by id': 8,
  'subscription changed': 8,
  'invoice by id': 8,
  '1,000 usage records': 1,
};
export const reportingOperations = {
  'event applied': 1,
  '100 events applied': 1,
  'report of the largest 10': 1,
};

export type UsersCalls = Calls<keyof typeof usersOperations>;
export type BillingCalls = Calls<keyof typeof billingOperations>;
export type ReportingCalls = Calls<keyof typeof reportingOperations>;

/** Makes the function that gives one item after the other, and the first again after the last. */
export function inTurn<T>(items: T[]): () => T {
  let next = 0;
  return () => items[next++ % items.length] as T;
}

export function newAccount(): Account {
  const id = randomUUID();
  const secret = { passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$'.padEnd(97, 'x'), passwordVersion: 1 };
  return { id, email: `${id}@example.com`, name: 'Ada', ...secret, createdAt: at, version: 1 };
}

export const signedUp = ({ id }: Account) => newEvent('users', 'user.signed_up', { userId: id });

export async function seedAccounts(store: UsersStore): Promise<Account[]> {
  const accounts = Array.from({ length: 100 }, newAccount);
  for (const next of accounts) await store.accounts.add({ next, events: [] });
  return accounts;
}

export function usersCalls(store: UsersStore, accounts: Account[]): UsersCalls {
  const next = inTurn(accounts);
  return {
    'account by id': () => store.accounts.get(next().id),
    'account by e-mail': () => store.accounts.byEmail(next().email),
    'new account': () => {
      const account = newAccount();
      return store.accounts.add({ next: account, events: [signedUp(account)] });
    },
  };
}

/** Each way changes subscriptions of its own. */
export async function seedSubscriptions(store: BillingStore): Promise<Subscription[]> {
  const plan = planOf('starter');
  const subscriptions = Array.from({ length: 100 }, () => start(randomUUID(), randomUUID(), plan, at).next);
  for (const next of subscriptions) {
    await store.subscriptions.add({ next, entries: [], events: [] });
    await store.invoices.add({ ...issue(next, [], at), events: [] });
  }
  return subscriptions;
}

/** Changes one subscription after the other to its other plan and back. */
export function changesOf(subscriptions: Subscription[]) {
  const present = subscriptions.slice();
  const nextPlace = inTurn([...present.keys()]);
  return () => {
    const place = nextPlace();
    const subscription = present[place] as Subscription;
    const change = changePlan(subscription, planOf(subscription.planId === 'pro' ? 'starter' : 'pro'), at);
    if (!change) throw new Error('The plan is the same');
    present[place] = change.next;
    return change;
  };
}

export function newUsage({ id: subscriptionId, userId }: Subscription): UsageRecord[] {
  const run = randomUUID();
  const record = { subscriptionId, userId, metric: 'api_calls', quantity: 3, at, period: 1 };
  return Array.from({ length: 1_000 }, (_, n) => ({ ...record, id: `${run}-${n}` }));
}

export function billingCalls(store: BillingStore, subscriptions: Subscription[]): BillingCalls {
  const next = inTurn(subscriptions);
  const nextChange = changesOf(subscriptions);
  return {
    'subscription by id': () => store.subscriptions.get(next().id),
    'subscription changed': async () => certain(await store.subscriptions.replace(nextChange())),
    'invoice by id': () => store.invoices.get(`${next().id}.1`),
    '1,000 usage records': () => store.usage.add(newUsage(next()), usageEvents),
  };
}

/** A write that did nothing would be a fast one. */
export function certain(isWritten: boolean): void {
  if (!isWritten) throw new Error('The bench has written nothing');
}

/** One use of one of 100 subscriptions. */
export function newUse(place: number): ReportedEvent {
  const of = { subscriptionId: `subscription-${place % 100}`, userId: `user-${place % 100}` };
  const data = { ...of, metric: 'api_calls', quantity: 3, records: 1 };
  return { ...newEvent('billing', 'usage.recorded', data), type: 'usage.recorded' };
}

export const newUses = () => Array.from({ length: 100 }, (_, place) => newUse(place));

export function reportingCalls(store: ReportingStore): ReportingCalls {
  const place = inTurn([...Array(100).keys()]);
  return {
    'event applied': () => store.apply(newUse(place())),
    '100 events applied': () => Promise.all(newUses().map((event) => store.apply(event))),
    'report of the largest 10': () => store.largest('usage', 'api_calls', 10),
  };
}
