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

/** A refund of all or part of a payment; its id is the provider's idempotency key. */
export type Refund = PaymentDocument['refunds'][number];

/** One attempt to pay an invoice; its id is the provider's idempotency key. */
export type Payment = {
  id: string;
  amount: number;
  /** The provider's name for the payment method, such as a card token; never a card number. */
  method: string;
  status: PaymentDocument['status'];
  createdAt: string;
  /** The reason for which the provider declined the payment. */
  reason?: string;
  refunds: Refund[];
};

/** An invoice as it is stored, with its payments and refunds, so that each step of a payment is a single write. */
export type Invoice = Static<typeof InvoiceDocument> & {
  /** Number of the billed period. */
  period: number;
  /** The usage that this invoice bills, by period, which must not be billed again; the previous version stored none. */
  usageByPeriod?: PeriodTotal[];
  /** The same usage by metric only, which the previous version of the service reads. */
  usage: UsageTotal[];
  /** The reason for which an administrator wrote the invoice off, and the id of that operation. */
  writeOff?: { id: string; reason: string; at: string };
  payments: Payment[];
  version: number;
};

export type InvoiceFilter = { userId?: string; status?: Invoice['status']; subscriptionId?: string };

export type InvoiceStore = AggregateStore<Invoice> & {
  /** Returns the invoice that contains a payment. */
  byPayment(paymentId: string): Promise<Invoice | undefined>;
  /** Returns invoices sorted by `issuedAt` and id, newest first. */
  list(filter: InvoiceFilter, limit: number, after?: Position): Promise<Invoice[]>;
  /**
   * Returns the invoices with a payment or refund that has been pending since before `before`, sorted by `pendingSince`
   * and id.
   */
  unsettled(before: string, limit: number, after?: Position): Promise<Invoice[]>;
};

/**
 * Returns the id of an invoice. It consists of subscription and period, so a period has only one invoice.
 */
export function invoiceIdOf({ id, period }: Pick<Subscription, 'id' | 'period'>): string {
  return `${id}.${period}`;
}

/**
 * Bills the open period of a subscription, and usage of earlier periods that arrived after their invoices. Each line
 * belongs to one period and has the price of its plan. After the last period, only late usage is billed.
 *
 * @param totals the usage recorded so far
 * @throws {RangeError} if an amount is beyond 2^53 − 1.
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
    // An amount of zero needs no payment.
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

/** Returns the plan and the dates on an invoice: those of the open period, or of the last one if it is over. */
function headOf(subscription: Subscription) {
  const { period, lastPeriod = period } = subscription;
  return periodOfLines(subscription, Math.max(1, Math.min(period, lastPeriod)));
}

/** Returns the plan and the dates of a period; the last period may have ended early. */
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

/** Returns usage lines, each with the price of all usage of its period, minus that on earlier invoices. */
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

/** Returns since when the oldest pending payment or refund has been pending; `undefined` if none is. */
export function pendingSince({ payments }: Invoice): string | undefined {
  return payments
    .flatMap((payment) => [payment, ...payment.refunds])
    .filter(({ status }) => status === 'pending')
    .map(({ createdAt }) => createdAt)
    .sort()[0];
}
