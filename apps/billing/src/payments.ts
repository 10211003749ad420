import type { Payment as PaymentDocument } from '@slipway/contracts/billing';
import { problem } from '@slipway/contracts/errors';
import { event } from './events.ts';
import type { Invoice, Payment } from './invoices.ts';
import { type Change, ledgerEntry, transfer } from './ledger.ts';
import { sum } from './money.ts';
import type { ChargeResult } from './provider/provider.ts';

/**
 * Payments, which are stored in their invoice. A payment is stored as pending before the provider is called, and
 * settled afterwards. After a crash in between, the pending payment shows which call to repeat.
 *
 *     invoice  open → paying → paid          payment  pending → succeeded
 *                ↑______| declined                          ↘ declined
 */

/**
 * Maximum number of payments in one invoice, so that its document stays small. Beyond it, a new one replaces the oldest.
 */
const maxAttempts = 100;

/** @throws {Problem} not_found if the invoice has no such payment. */
export function paymentOf(invoice: Invoice, paymentId: string): Payment {
  const payment = invoice.payments.find(({ id }) => id === paymentId);
  if (!payment) throw problem('not_found');
  return payment;
}

/**
 * Begins to pay an invoice in full.
 *
 * @returns `undefined` if the payment with this id exists: the request is a repetition.
 * @throws {Problem} invoice_not_payable.
 */
export function beginPayment(
  invoice: Invoice,
  { id, method, now }: { id: string; method: string; now: string },
): Change<Invoice> | undefined {
  if (invoice.payments.some((payment) => payment.id === id)) return undefined;
  if (invoice.status !== 'open') throw problem('invoice_not_payable', `The invoice is ${invoice.status}`);
  const { total: amount } = invoice;
  const payment: Payment = { id, amount, method, status: 'pending', createdAt: now, refunds: [] };
  return {
    next: {
      ...invoice,
      status: 'paying',
      payments: [...invoice.payments.slice(1 - maxAttempts), payment],
      version: invoice.version + 1,
    },
    entries: [],
    events: [],
  };
}

/** Settles a payment with the provider's result; returns `undefined` if it is already settled. */
export function settlePayment(
  invoice: Invoice,
  paymentId: string,
  result: ChargeResult,
  now: string,
): Change<Invoice> | undefined {
  const pending = paymentOf(invoice, paymentId);
  if (pending.status !== 'pending') return undefined;
  const data = { ...factsOf(invoice), paymentId, amount: pending.amount };
  if (result.outcome === 'declined') {
    const declined: Payment = { ...pending, status: 'declined', reason: result.reason };
    return {
      next: { ...withPayment(invoice, declined), status: 'open' },
      entries: [],
      events: [event('payment.declined', paymentId, data)],
    };
  }
  return {
    next: { ...withPayment(invoice, { ...pending, status: 'succeeded' }), status: 'paid' },
    entries: [cashEntry(invoice, pending, now)],
    events: [event('payment.succeeded', paymentId, data)],
  };
}

/** Returns a payment as callers see it. */
export function toDocument(invoice: Invoice, payment: Payment): PaymentDocument {
  const { id: invoiceId, userId, currency } = invoice;
  const { id, amount, status, createdAt, refunds } = payment;
  const succeeded = refunds.filter((refund) => refund.status === 'succeeded');
  const refunded = sum(succeeded.map((refund) => refund.amount));
  return { id, invoiceId, userId, amount, currency, status, createdAt, refunded, refunds };
}

/** Returns the next version of an invoice, with one of its payments replaced. */
export function withPayment(invoice: Invoice, payment: Payment): Invoice {
  const payments = invoice.payments.map((each) => (each.id === payment.id ? payment : each));
  return { ...invoice, payments, version: invoice.version + 1 };
}

/** Returns the data that all payment and refund events of an invoice have in common. */
export function factsOf({ id: invoiceId, planId, subscriptionId, currency }: Invoice) {
  return { invoiceId, planId, subscriptionId, currency };
}

function cashEntry({ id: invoiceId, currency }: Invoice, { id, amount }: Payment, at: string) {
  return ledgerEntry(
    { id: `paid:${id}`, at, description: `Payment of invoice ${invoiceId}`, currency },
    transfer(amount, { from: 'receivable', to: 'cash' }),
  );
}
