import { problem } from '@slipway/contracts/errors';
import type { Position } from '@slipway/platform/core/pagination';
import { update } from '@slipway/platform/events/aggregates';
import type { Clock } from './clock.ts';
import type { Counts } from './counts.ts';
import { type Invoice, type InvoiceStore, type Payment, pendingSince, type Refund } from './invoices.ts';
import { beginPayment, paymentOf, settlePayment } from './payments.ts';
import type { PaymentProvider } from './provider/provider.ts';
import { beginRefund, refundOf, settleRefund } from './refunds.ts';

/** The dependencies of `pay`, `refund` and `settlePending`. */
export type SettlementParts = {
  invoices: InvoiceStore;
  provider: PaymentProvider;
  clock: Clock;
  counts: Pick<Counts, 'paymentSettled' | 'refundSettled'>;
  /** Returns the maximum time to wait for the provider; milliseconds. */
  timeoutMs: () => number;
};

/**
 * Pays an invoice. A repeated request with the same id continues where the first one was interrupted.
 *
 * @throws {Problem} not_found, invoice_not_payable, payment_declined; payment_unconfirmed if the provider fails or is
 *   too slow (the payment stays pending and is settled later); overloaded if too many requests change the invoice.
 */
export async function pay(
  parts: SettlementParts,
  invoiceId: string,
  request: { id: string; method: string },
): Promise<{ invoice: Invoice; payment: Payment }> {
  const now = parts.clock.now();
  const begun = await update(parts.invoices, invoiceId, (invoice) =>
    beginPayment(invoice, { ...request, now }),
  );
  const invoice = await finishPayment(parts, begun, paymentOf(begun, request.id));
  const payment = paymentOf(invoice, request.id);
  if (payment.status === 'declined') throw problem('payment_declined', payment.reason);
  return { invoice, payment };
}

/**
 * Refunds all or part of a payment. A request can be repeated, as with `pay`.
 *
 * @throws {Problem} not_found, conflict, refund_exceeds_payment, refund_refused, payment_unconfirmed, overloaded.
 */
export async function refund(
  parts: SettlementParts,
  { invoiceId, paymentId }: { invoiceId: string; paymentId: string },
  request: { id: string; amount: number },
): Promise<Refund> {
  const now = parts.clock.now();
  const begun = await update(parts.invoices, invoiceId, (invoice) =>
    beginRefund(invoice, paymentId, { ...request, now }),
  );
  const pending = refundOf(paymentOf(begun, paymentId), request.id);
  const invoice = await finishRefund(parts, begun, paymentId, pending);
  const settled = refundOf(paymentOf(invoice, paymentId), request.id);
  if (settled.status === 'failed') throw problem('refund_refused');
  return settled;
}

/**
 * Repeats the pending provider calls of each invoice that has had one since before an instant.
 *
 * @param onFailure called for each invoice that stays pending; the others are settled anyway
 */
export async function settlePending(
  parts: SettlementParts,
  before: string,
  onFailure: (error: unknown, invoiceId: string) => void,
  stopping?: AbortSignal,
): Promise<void> {
  for await (const invoice of unsettledInvoices(parts.invoices, before)) {
    if (stopping?.aborted) return;
    try {
      await finishAll(parts, invoice, stopping);
    } catch (error) {
      onFailure(error, invoice.id);
    }
  }
}

async function* unsettledInvoices(store: InvoiceStore, before: string): AsyncGenerator<Invoice> {
  let after: Position | undefined;
  for (;;) {
    const page = await store.unsettled(before, 50, after);
    yield* page;
    const last = page.at(-1);
    const at = last && pendingSince(last);
    if (!last || at === undefined) return;
    after = { at, id: last.id };
  }
}

async function finishAll(parts: SettlementParts, invoice: Invoice, stopping?: AbortSignal): Promise<void> {
  for (const payment of invoice.payments) {
    await finishPayment(parts, invoice, payment, stopping);
    for (const each of payment.refunds) await finishRefund(parts, invoice, payment.id, each, stopping);
  }
}

async function finishPayment(
  parts: SettlementParts,
  invoice: Invoice,
  { id, amount, method, status }: Payment,
  stopping?: AbortSignal,
): Promise<Invoice> {
  if (status !== 'pending') return invoice;
  const charge = { idempotencyKey: id, amount, currency: invoice.currency, method };
  const result = await ask(parts, (signal) => parts.provider.charge(charge, signal), stopping);
  return update(
    parts.invoices,
    invoice.id,
    (present) => settlePayment(present, id, result, parts.clock.now()),
    { onWritten: (settled) => parts.counts.paymentSettled(settled, result.outcome, amount) },
  );
}

async function finishRefund(
  parts: SettlementParts,
  invoice: Invoice,
  paymentId: string,
  { id, amount, status }: Refund,
  stopping?: AbortSignal,
): Promise<Invoice> {
  if (status !== 'pending') return invoice;
  const order = { idempotencyKey: id, chargeKey: paymentId, amount, currency: invoice.currency };
  const result = await ask(parts, (signal) => parts.provider.refund(order, signal), stopping);
  return update(
    parts.invoices,
    invoice.id,
    (present) => settleRefund(present, paymentId, id, result, parts.clock.now()),
    { onWritten: (settled) => parts.counts.refundSettled(settled, result.outcome, amount) },
  );
}

/** Calls the provider. Stops waiting after the time limit, even if the provider ignores the signal. */
async function ask<T>(
  { timeoutMs }: SettlementParts,
  call: (signal: AbortSignal) => Promise<T>,
  stopping?: AbortSignal,
): Promise<T> {
  const signals = [AbortSignal.timeout(timeoutMs()), stopping].filter((signal) => signal !== undefined);
  const signal = AbortSignal.any(signals);
  const gaveUp = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    signal.throwIfAborted();
    return await Promise.race([call(signal), gaveUp]);
  } catch (cause) {
    throw problem('payment_unconfirmed', 'The result will be known later; repeat the request to get it', {
      retryAfter: 2,
      cause,
    });
  }
}
