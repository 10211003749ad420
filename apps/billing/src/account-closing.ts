import { problem } from '@slipway/contracts/errors';
import type { Position } from '@slipway/platform/core/pagination';
import { update } from '@slipway/platform/events/aggregates';
import { type BillingParts, billSubscription } from './billing-run.ts';
import type { Invoice, InvoiceStore } from './invoices.ts';
import { end, type Subscription, type SubscriptionStore } from './subscriptions.ts';

/** Which accounts are closed. */
export type ClosedAccountStore = {
  /** Closes an account, or closes it again later. */
  close(userId: string, at: string): Promise<void>;
  /** When an account was closed; `undefined` if it is open. */
  closedAt(userId: string): Promise<string | undefined>;
};

export type ClosingParts = BillingParts & {
  closedAccounts: ClosedAccountStore;
  /** Whether there is time for another subscription. */
  mayGoOn: () => boolean;
};

/** Subscriptions read at a time. */
const pageSize = 100;
/** Open invoices that the problem lists. */
const maxListed = 20;

/**
 * Ends and bills all subscriptions of an account and closes it, unless something is owed. It may be repeated.
 *
 * @throws {Problem} invoices_open with the open invoices; overloaded if time runs out before all is billed.
 */
export async function closeAccount(parts: ClosingParts, userId: string): Promise<void> {
  await endAll(parts, userId);
  await expectNothingOwed(parts.invoices, userId);
  await parts.closedAccounts.close(userId, parts.clock.now());
  // Once more, for a request that ran at the same time: those that begin after this find the account closed.
  await endAll(parts, userId);
  await expectNothingOwed(parts.invoices, userId);
}

async function endAll(parts: ClosingParts, userId: string): Promise<void> {
  const { subscriptions, clock, mayGoOn } = parts;
  for await (const { id } of unfinished(subscriptions, userId)) {
    const ended = await update(subscriptions, id, (subscription) => end(subscription, clock.now()));
    const { complete } = await billSubscription(parts, ended, { asOf: clock.now(), mayGoOn });
    if (!complete)
      throw problem('overloaded', 'Some subscriptions are not billed yet; try again', { retryAfter: 1 });
  }
}

/** Subscriptions that run, or have something to bill. */
async function* unfinished(store: SubscriptionStore, userId: string): AsyncGenerator<Subscription> {
  let after: Position | undefined;
  for (;;) {
    const page = await store.list({ userId }, pageSize, after);
    yield* page.filter(({ dueAt }) => dueAt !== undefined);
    const last = page.at(-1);
    if (page.length < pageSize || !last) return;
    after = { at: last.startedAt, id: last.id };
  }
}

async function expectNothingOwed(invoices: InvoiceStore, userId: string): Promise<void> {
  const lists = (['open', 'paying'] as const).map((status) => invoices.list({ userId, status }, maxListed));
  const owed = (await Promise.all(lists)).flat();
  if (owed.length === 0) return;
  const fields = owed.map((invoice) => ({ field: `invoices.${invoice.id}`, message: amountOf(invoice) }));
  throw problem('invoices_open', 'Pay the open invoices first; GET /api/v1/invoices?status=open lists them', {
    fields,
  });
}

function amountOf({ status, total, currency }: Invoice): string {
  return `is ${status}: ${total} in minor units of ${currency}`;
}
