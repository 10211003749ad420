import type {
  Invoice as InvoiceDocument,
  Payment as PaymentDocument,
  Plan,
} from '@slipway/contracts/billing';
import type { Position } from '@slipway/platform/core/pagination';
import type { Static } from 'typebox';
import { event } from './events.ts';
import { type AggregateStore, type Change, ledgerEntry, transfer } from './ledger.ts';
import { priceOf, sum } from './money.ts';
import { endOf, type Subscription } from './subscriptions.ts';
import { totalOf, type UsageTotal } from './usage-totals.ts';

/** What is given back of a payment; its id is the provider's idempotency key. */
export type Refund = PaymentDocument['refunds'][number];

/** One attempt to pay an invoice; its id is the provider's idempotency key. */
export type Payment = {
  id: string;
  amount: number;
  /** The provider's name for the means of payment, such as a token of a card; never a card number. */
  method: string;
  status: PaymentDocument['status'];
  createdAt: string;
  /** Why the provider declined. */
  reason?: string;
  refunds: Refund[];
};

/** An invoice as it is kept: with its payments and their refunds, so that each step of one is one write. */
export type Invoice = Static<typeof InvoiceDocument> & {
  /** Number of the billed period. */
  period: number;
  /** The usage that is billed here and must not be billed again. */
  usage: UsageTotal[];
  payments: Payment[];
  version: number;
};

export type InvoiceFilter = { userId?: string; status?: Invoice['status']; subscriptionId?: string };

export type InvoiceStore = AggregateStore<Invoice> & {
  /** The invoice that holds a payment. */
  byPayment(paymentId: string): Promise<Invoice | undefined>;
  /** Newest first, by `issuedAt` and id. */
  list(filter: InvoiceFilter, limit: number, after?: Position): Promise<Invoice[]>;
  /**
   * Invoices with a payment or a refund that is pending since an instant before `before`, by that instant
   * (`pendingSince`) and id.
   */
  unsettled(before: string, limit: number, after?: Position): Promise<Invoice[]>;
};

/** One subscription and period have one invoice, because they have one invoice id. */
export function invoiceIdOf({ id, period }: Pick<Subscription, 'id' | 'period'>): string {
  return `${id}.${period}`;
}

/**
 * Bills the open period of a subscription: the price of the plan, and the usage beyond what it includes.
 *
 * @param plan in force when the period ended
 * @param usage recorded for this and earlier periods and not billed yet
 * @throws {RangeError} if an amount lies beyond 2^53.
 */
export function issue(
  subscription: Subscription,
  plan: Plan,
  usage: UsageTotal[],
  now: string,
): Change<Invoice> {
  const { id: subscriptionId, userId, period, periodStart } = subscription;
  const id = invoiceIdOf(subscription);
  const periodEnd = endOf(subscription);
  const { currency } = plan;
  const lines = linesOf(plan, usage);
  const total = sum(lines.map(({ amount }) => amount));
  const billed = usage.filter(({ metric }) => plan.meters.some((meter) => meter.metric === metric));
  const facts = { planId: plan.id, subscriptionId, currency };
  const span = { periodStart, periodEnd };
  const next: Invoice = {
    ...{ id, userId, ...facts, period, ...span, issuedAt: now, lines, total, usage: billed },
    // Nobody can pay nothing.
    status: total === 0 ? 'paid' : 'open',
    payments: [],
    version: 1,
  };
  return {
    next,
    entries: total === 0 ? [] : [receivableEntry(next)],
    events: [event('invoice.issued', id, { ...facts, invoiceId: id, amount: total, ...span })],
  };
}

function linesOf({ name, price, meters }: Plan, usage: UsageTotal[]): Invoice['lines'] {
  const used = meters.map(({ metric, included, price, per }) => {
    const { quantity } = totalOf(usage, metric);
    const amount = priceOf(Math.max(0, quantity - included), { price, per });
    return { description: `${metric} beyond ${included} included`, metric, quantity, amount };
  });
  return [{ description: name, quantity: 1, amount: price }, ...used.filter(({ quantity }) => quantity > 0)];
}

function receivableEntry({ id, issuedAt, planId, currency, total }: Invoice) {
  return ledgerEntry(
    { id: `issued:${id}`, at: issuedAt, description: `Invoice ${id}`, currency },
    transfer(total, { from: `revenue:${planId}`, to: 'receivable' }),
  );
}

/** Since when the oldest pending payment or refund of an invoice waits; `undefined` if none does. */
export function pendingSince({ payments }: Invoice): string | undefined {
  return payments
    .flatMap((payment) => [payment, ...payment.refunds])
    .filter(({ status }) => status === 'pending')
    .map(({ createdAt }) => createdAt)
    .sort()[0];
}
