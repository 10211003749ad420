import { problem } from '@slipway/contracts/errors';
import type { Position } from '@slipway/platform/core/pagination';
import { update } from '@slipway/platform/events/aggregates';
import { type BillingParts, billSubscription } from './billing-run.ts';
import type { Invoice, InvoiceStore } from './invoices.ts';
import { end, type Subscription, type SubscriptionStore } from './subscriptions.ts';

/** Stores which accounts are closed. */
export type ClosedAccountStore = {
  /** Closes an account; if it is already closed, stores the later time. */
  close(userId: string, at: string): Promise<void>;
  /** Returns when an account was closed; `undefined` if it is open. */
  closedAt(userId: string): Promise<string | undefined>;
};

export type ClosingParts = BillingParts & {
  closedAccounts: ClosedAccountStore;
  /** Returns whether enough time is left for another subscription. */
  mayGoOn: () => boolean;
};

/** Number of subscriptions read at a time. */
const pageSize = 100;
/** Maximum number of invoices of each status that the problem lists. */
const maxListed = 20;

/**
 * Ends and bills all subscriptions of an account, and closes the account if no invoice is open. It may be repeated.
 *
 * @throws {Problem} invoices_open with the open invoices; overloaded if the time is over before everything is billed.
 */
export async function closeAccount(parts: ClosingParts, userId: string): Promise<void> {
  await endAll(parts, userId);
  await expectNothingOwed(parts.invoices, userId);
  await parts.closedAccounts.close(userId, parts.clock.now());
  // Again, for subscriptions that a concurrent request started. Any that starts later finds the account closed.
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

/** Reads the subscriptions that are still due to be billed, now or later. */
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
