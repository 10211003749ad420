import { createMetrics } from '@slipway/platform/telemetry/metrics';
import { seriesValue } from '@slipway/platform/testing/metrics';
import { expect, it } from 'vitest';
import { createCounts } from './counts.ts';
import type { Invoice } from './invoices.ts';

const invoice = { currency: 'EUR', total: 1_900 } as Invoice;

function count() {
  const metrics = createMetrics('billing', 'test');
  const value = (name: string, labels = {}) => seriesValue(metrics, `billing_${name}_total`, labels);
  return { counts: createCounts(metrics), value };
}

it('counts every settled payment and refund, and the amounts of those that succeeded', async () => {
  const { counts, value } = count();
  counts.paymentSettled(invoice, 'succeeded', 1_900);
  counts.paymentSettled(invoice, 'declined', 500);
  counts.refundSettled(invoice, 'succeeded', 300);
  counts.refundSettled(invoice, 'refused', 200);
  for (const outcome of ['succeeded', 'declined']) expect(await value('payments', { outcome })).toBe(1);
  for (const outcome of ['succeeded', 'refused']) expect(await value('refunds', { outcome })).toBe(1);
  expect(await value('paid_amount', { currency: 'EUR' })).toBe(1_900);
  expect(await value('refunded_amount', { currency: 'EUR' })).toBe(300);
});

it('counts an invoice in a currency that no plan has any more, without its amount', async () => {
  const { counts, value } = count();
  counts.invoiceIssued(invoice);
  counts.invoiceIssued({ ...invoice, currency: 'CHF' as Invoice['currency'] });
  counts.paymentSettled({ ...invoice, currency: 'CHF' as Invoice['currency'] }, 'succeeded', 100);
  counts.refundSettled({ ...invoice, currency: 'CHF' as Invoice['currency'] }, 'succeeded', 100);
  expect(await value('invoices_issued')).toBe(2);
  expect(await value('invoiced_amount', { currency: 'EUR' })).toBe(1_900);
});

it('counts a subscription by its first plan, also one that is not in the catalogue any more', async () => {
  const { counts, value } = count();
  counts.subscriptionStarted('pro');
  counts.subscriptionStarted('gone');
  expect(await value('subscriptions_started', { plan: 'pro' })).toBe(1);
});

it('is 0 for each outcome before the first', async () => {
  const { value } = count();
  for (const outcome of ['added', 'duplicate', 'refused'])
    expect(await value('usage_records', { outcome })).toBe(0);
  for (const outcome of ['succeeded', 'declined']) expect(await value('payments', { outcome })).toBe(0);
  for (const outcome of ['succeeded', 'refused']) expect(await value('refunds', { outcome })).toBe(0);
});
