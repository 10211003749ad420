import { randomBytes, randomUUID } from 'node:crypto';
import { listInvoices, payInvoice, runBilling, subscribe } from '@slipway/contracts/billing';
import { ok, send } from './http.ts';
import type { Person } from './people.ts';

/**
 * Pays an invoice while the payment provider does not respond, so that billing answers 503, and returns the id of the trace.
 * The client chooses the id, and asks in vain that the trace is sampled.
 */
export async function failedPayment(base: string, { token }: Person, admin: string): Promise<string> {
  await ok(base, subscribe, { body: { planId: 'starter' } }, { token, key: randomUUID() });
  const asOf = new Date(Date.now() + 32 * 86_400_000).toISOString();
  await ok(base, runBilling, { body: { asOf } }, { token: admin });
  const { items } = await ok(base, listInvoices, {}, { token });
  const params = { invoiceId: items[0]?.id ?? '' };
  const traceId = randomBytes(16).toString('hex');
  const headers = { traceparent: `00-${traceId}-${'1'.repeat(16)}-01` };
  const payment = { params, body: { method: 'pm_late' }, headers };
  const { status } = await send(base, payInvoice, payment, { token, key: randomUUID() });
  if (status !== 503) throw new Error(`The payment was answered with ${status}, and not with 503`);
  return traceId;
}
