import { setImmediate as nextTurn } from 'node:timers/promises';
import { type PlatformProblem, Problem } from '@slipway/contract-kit/problem';
import type { Plan } from '@slipway/contracts/billing';
import type { Position } from '@slipway/platform/core/pagination';
import { update } from '@slipway/platform/events/aggregates';
import type { Clock } from './clock.ts';
import type { Counts } from './counts.ts';
import { type Invoice, type InvoiceStore, invoiceIdOf, issue } from './invoices.ts';
import { advance, reopen, type Subscription, type SubscriptionStore } from './subscriptions.ts';
import type { UsageStore } from './usage.ts';
import { unbilled } from './usage-billed.ts';

export type BillingParts = {
  subscriptions: SubscriptionStore;
  invoices: InvoiceStore;
  usage: UsageStore;
  clock: Clock;
  counts: Pick<Counts, 'invoiceIssued'>;
  /** The present catalogue, whose prices are agreed for periods that have not begun. */
  plans: readonly Plan[];
};

export type RunOptions = {
  /** Periods that ended until this instant are billed. */
  asOf: string;
  /** Whether there is time for another subscription. */
  mayGoOn: () => boolean;
  /** Told of each subscription that could not be billed; it stops no other. */
  onFailure: (error: unknown, subscriptionId: string) => void;
};

export type RunReport = { issued: number; subscriptions: number; failed: number; complete: boolean };

/** Subscriptions read at a time. */
const pageSize = 50;

/**
 * Bills all that is due. It may be repeated, cut off, or run on several replicas at once.
 *
 * @throws {Problem} unavailable if the store is away.
 */
export async function runBilling(parts: BillingParts, options: RunOptions): Promise<RunReport> {
  const report: RunReport = { issued: 0, subscriptions: 0, failed: 0, complete: true };
  for await (const subscription of dueSubscriptions(parts.subscriptions, options.asOf)) {
    if (!options.mayGoOn()) return { ...report, complete: false };
    try {
      const { issued, complete } = await billSubscription(parts, subscription, options);
      report.issued += issued;
      if (!complete) return { ...report, complete };
      report.subscriptions += 1;
    } catch (error) {
      if (isAway(error)) throw error;
      report.failed += 1;
      options.onFailure(error, subscription.id);
    }
  }
  return report;
}

/** Whether no subscription could be billed now, because the store is away. */
function isAway(error: unknown): boolean {
  return error instanceof Problem && error.code === ('unavailable' satisfies PlatformProblem);
}

async function* dueSubscriptions(store: SubscriptionStore, asOf: string): AsyncGenerator<Subscription> {
  let after: Position | undefined;
  for (;;) {
    const page = await store.due(asOf, pageSize, after);
    yield* page;
    const last = page.at(-1);
    if (!last?.dueAt) return;
    after = { at: last.dueAt, id: last.id };
  }
}

/** Bills each period of a subscription that is due, oldest first, and late usage of one that has ended. */
export async function billSubscription(
  parts: BillingParts,
  due: Subscription,
  { asOf, mayGoOn }: Pick<RunOptions, 'asOf' | 'mayGoOn'>,
) {
  let subscription = due;
  let issued = 0;
  while (subscription.dueAt !== undefined && subscription.dueAt <= asOf) {
    if (!mayGoOn()) return { issued, complete: false };
    const { invoice, isNew } = await issueInvoice(parts, subscription);
    if (isNew) issued += 1;
    subscription = await reopenEnded(parts, await closePeriod(parts, invoice));
    await nextTurn();
  }
  return { issued, complete: true };
}

/**
 * Issues the invoice of the open period, or finds the one that an earlier run, or another replica, has issued.
 *
 * Whichever invoice was written first counts, with the usage that it states. Usage that arrives later was not
 * in its totals, so it is still unbilled, and the next invoice has it: nothing is billed twice or lost.
 */
async function issueInvoice(
  { invoices, usage, clock, counts }: BillingParts,
  subscription: Subscription,
): Promise<{ invoice: Invoice; isNew: boolean }> {
  const id = invoiceIdOf(subscription);
  const change = issue(subscription, await usage.totals(subscription.id), clock.now());
  if (await invoices.add(change)) {
    counts.invoiceIssued(change.next);
    return { invoice: change.next, isNew: true };
  }
  const earlier = await invoices.get(id);
  if (!earlier) throw new Error(`Invoice ${id} could be neither added nor read`);
  return { invoice: earlier, isNew: false };
}

/** Opens the next period, unless somebody has done so since the invoice was written. */
function closePeriod({ subscriptions, clock, plans }: BillingParts, invoice: Invoice): Promise<Subscription> {
  return update(subscriptions, invoice.subscriptionId, (subscription) =>
    subscription.period === invoice.period ? advance(subscription, invoice, clock.now(), plans) : undefined,
  );
}

/** Usage that arrived during the last invoice finds no later one: it is looked for once more. */
async function reopenEnded({ subscriptions, usage }: BillingParts, subscription: Subscription) {
  if (subscription.dueAt !== undefined) return subscription;
  const totals = await usage.totals(subscription.id);
  return update(subscriptions, subscription.id, (present) => reopen(present, unbilled(present, totals)));
}
