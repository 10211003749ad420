import { problem } from '@slipway/contracts/errors';
import { event } from './events.ts';
import type { Invoice, Payment, Refund } from './invoices.ts';
import { type Change, ledgerEntry, transfer } from './ledger.ts';
import { sum } from './money.ts';
import { factsOf, paymentOf, withPayment } from './payments.ts';
import type { RefundResult } from './provider/provider.ts';

/**
 * Begins to refund all or part of a payment. Pending refunds count as refunded.
 *
 * @returns `undefined` if the refund with this id exists, because the request is repeated.
 * @throws {Problem} not_found; conflict if the payment has not succeeded; refund_exceeds_payment.
 */
export function beginRefund(
  invoice: Invoice,
  paymentId: string,
  { id, amount, now }: { id: string; amount: number; now: string },
): Change<Invoice> | undefined {
  const payment = paymentOf(invoice, paymentId);
  if (payment.refunds.some((refund) => refund.id === id)) return undefined;
  if (payment.status !== 'succeeded') throw problem('conflict', `The payment is ${payment.status}`);
  const left = payment.amount - refundTotal(payment);
  if (amount > left) {
    const fields = [{ field: 'body.amount', message: `must not be more than ${left}` }];
    throw problem('refund_exceeds_payment', undefined, { fields });
  }
  const refund: Refund = { id, amount, status: 'pending', createdAt: now };
  const next = withPayment(invoice, { ...payment, refunds: [...payment.refunds, refund] });
  return { next, entries: [], events: [] };
}

/** Settles a refund with the provider's result; returns `undefined` if it is already settled. */
export function settleRefund(
  invoice: Invoice,
  paymentId: string,
  refundId: string,
  result: RefundResult,
  now: string,
): Change<Invoice> | undefined {
  const payment = paymentOf(invoice, paymentId);
  const pending = refundOf(payment, refundId);
  if (pending.status !== 'pending') return undefined;
  const { amount } = pending;
  const status = result.outcome === 'succeeded' ? ('succeeded' as const) : ('failed' as const);
  const refunds = payment.refunds.map((each) => (each.id === refundId ? { ...each, status } : each));
  const next = withPayment(invoice, { ...payment, refunds });
  if (status === 'failed') return { next, entries: [], events: [] };
  const data = { ...factsOf(invoice), paymentId, refundId, amount };
  return {
    next,
    entries: [refundEntry(invoice, paymentId, pending, now)],
    events: [event('refund.succeeded', refundId, data)],
  };
}

/** @throws {Problem} not_found if the payment has no such refund. */
export function refundOf(payment: Payment, refundId: string): Refund {
  const refund = payment.refunds.find(({ id }) => id === refundId);
  if (!refund) throw problem('not_found');
  return refund;
}

function refundTotal({ refunds }: Payment): number {
  return sum(refunds.filter(({ status }) => status !== 'failed').map(({ amount }) => amount));
}

function refundEntry({ currency }: Invoice, paymentId: string, { id, amount }: Refund, at: string) {
  return ledgerEntry(
    { id: `refunded:${id}`, at, description: `Refund of payment ${paymentId}`, currency },
    transfer(amount, { from: 'cash', to: 'refunds' }),
  );
}
