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
import { periodOf } from './periods.ts';
import { isRunning, type Subscription } from './subscriptions.ts';
import { planFor } from './terms.ts';
import { billedByPeriod, unbilled } from './usage-billed.ts';
import { byMetric, inPeriod, type PeriodTotal, totalOf, type UsageTotal } from './usage-totals.ts';

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

/** An invoice as it is stored: with its payments and their refunds, so that each step of one is one write. */
export type Invoice = Static<typeof InvoiceDocument> & {
  /** Number of the billed period. */
  period: number;
  /** The usage that is billed here and must not be billed again, by period; the previous version stored none. */
  usageByPeriod?: PeriodTotal[];
  /** The same by metric alone, which the previous version reads. */
  usage: UsageTotal[];
  /** Why an administrator wrote the invoice off; the id is that of the operation. */
  writeOff?: { id: string; reason: string; at: string };
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
 * Bills the open period of a subscription, and usage of earlier periods that arrived after their invoices. Each line
 * belongs to one period and is priced by its plan. An ended subscription has no open period: late usage is all there is.
 *
 * @param totals the usage recorded so far
 * @throws {RangeError} if an amount lies beyond 2^53.
 */
export function issue(subscription: Subscription, totals: PeriodTotal[], now: string): Change<Invoice> {
  const { id: subscriptionId, userId, period } = subscription;
  const id = invoiceIdOf(subscription);
  const { plan, ...span } = headOf(subscription);
  const usageByPeriod = unbilled(subscription, totals);
  const lines = linesOf(subscription, totals, usageByPeriod);
  const total = sum(lines.map(({ amount }) => amount));
  const facts = { planId: plan.id, subscriptionId, currency: plan.currency };
  const usage = byMetric(usageByPeriod);
  const next: Invoice = {
    ...{ id, userId, ...facts, period, ...span, issuedAt: now, lines, total, usage, usageByPeriod },
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

/** The plan and the span that an invoice names: of the open period, or of the last one. */
function headOf(subscription: Subscription) {
  const { period, lastPeriod = period } = subscription;
  return periodOfLines(subscription, Math.max(1, Math.min(period, lastPeriod)));
}

/** A period's plan and span; the last one may have ended early. */
function periodOfLines({ startedAt, terms, endsAt }: Subscription, period: number) {
  const { start: periodStart, end } = periodOf(startedAt, period);
  const periodEnd = endsAt !== undefined && endsAt < end ? endsAt : end;
  return { plan: planFor(terms, period), periodStart, periodEnd };
}

function linesOf(subscription: Subscription, totals: PeriodTotal[], added: PeriodTotal[]): Invoice['lines'] {
  const { period } = subscription;
  const { plan, ...span } = headOf(subscription);
  const price = { description: plan.name, quantity: 1, amount: plan.price, ...span };
  const late = [...new Set(added.map((total) => total.period))].filter((each) => each !== period);
  return [
    ...(isRunning(subscription) ? [price] : []),
    ...[period, ...late].flatMap((each) => usageLines(subscription, each, totals, inPeriod(added, each))),
  ];
}

/** What usage adds to the price of its period: the price of all of the period's usage, less that of earlier invoices. */
function usageLines(subscription: Subscription, period: number, totals: PeriodTotal[], added: UsageTotal[]) {
  const { plan, ...span } = periodOfLines(subscription, period);
  const before = inPeriod(billedByPeriod(subscription, totals), period);
  return plan.meters.flatMap((meter) => {
    const { metric, included } = meter;
    const { quantity } = totalOf(added, metric);
    if (quantity === 0) return [];
    const billed = totalOf(before, metric).quantity;
    const amount = overage(meter, billed + quantity) - overage(meter, billed);
    return [{ description: `${metric} beyond ${included} included`, metric, quantity, amount, ...span }];
  });
}

function overage({ included, price, per }: Plan['meters'][number], quantity: number): number {
  return priceOf(Math.max(0, quantity - included), { price, per });
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
