import { setImmediate as nextIteration } from 'node:timers/promises';
import { type PlatformProblem, Problem } from '@slipway/contract-kit/problem';
import type { Plan } from '@slipway/contracts/billing';
import type { Position } from '@slipway/platform/core/pagination';
import { update } from '@slipway/platform/events/aggregates';
import { LeaseLost } from '@slipway/platform/jobs/fence';
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
  /** The current catalogue. Its prices apply to periods that have not begun. */
  plans: readonly Plan[];
};

export type RunOptions = {
  /** Periods that ended at this time or earlier are billed. */
  asOf: string;
  /** Returns whether enough time is left for another subscription. */
  mayGoOn: () => boolean;
  /** Called for each subscription that could not be billed; the run continues with the others. */
  onFailure: (error: unknown, subscriptionId: string) => void;
};

export type RunReport = { issued: number; subscriptions: number; failed: number; complete: boolean };

/** Number of subscriptions read at a time. */
const pageSize = 50;

/**
 * Bills all subscriptions that are due. It may be repeated, interrupted, or run on several replicas at the same time.
 *
 * @throws {Problem} unavailable if the store is unreachable.
 * @throws {LeaseLost} if a job runs it that another replica has taken over.
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
      if (concernsAll(error)) throw error;
      report.failed += 1;
      options.onFailure(error, subscription.id);
    }
  }
  return report;
}

/** Returns whether an error affects every subscription: the store is unreachable, or another replica has taken over. */
function concernsAll(error: unknown): boolean {
  if (error instanceof LeaseLost) return true;
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

/** Bills all due periods of a subscription, oldest first, and the late usage of a subscription that has ended. */
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
    await nextIteration();
  }
  return { issued, complete: true };
}

/**
 * Issues the invoice of the open period, or returns the one that an earlier run or another replica has issued.
 *
 * The first invoice that is written is valid, with the usage on it. Usage that arrives later is not in its totals, so
 * the next invoice bills it. So nothing is billed twice or lost.
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

/** Opens the next period, unless another run has done so since the invoice was written. */
function closePeriod({ subscriptions, clock, plans }: BillingParts, invoice: Invoice): Promise<Subscription> {
  return update(subscriptions, invoice.subscriptionId, (subscription) =>
    subscription.period === invoice.period ? advance(subscription, invoice, clock.now(), plans) : undefined,
  );
}

/**
 * Makes an ended subscription due again if usage arrived while the last invoice was issued: no later one would bill it.
 */
async function reopenEnded({ subscriptions, usage }: BillingParts, subscription: Subscription) {
  if (subscription.dueAt !== undefined) return subscription;
  const totals = await usage.totals(subscription.id);
  return update(subscriptions, subscription.id, (present) => reopen(present, unbilled(present, totals)));
}
