import type { JobAttempt } from '@slipway/platform/jobs/job';
import { describe, expect, it, vi } from 'vitest';
import { issue } from './invoices.ts';
import { planOf } from './plans.ts';
import { pay } from './settlement.ts';
import type { BillingStore } from './store/store.ts';
import { start } from './subscriptions.ts';
import { attempt, newSandbox, providerTimeoutMs, settlementWith } from './testing/job-attempts.ts';
import { openForTest, stores } from './testing/stores.ts';

describe.each(stores)('an attempt of the payment recovery on $name', ({ newSettings }) => {
  /** A store with a payment that was sent to a provider which did not respond, and a provider that responds. */
  async function storeWithPending() {
    const store = await openForTest(newSettings());
    const subscription = start('s1', 'u1', planOf('starter'), '2026-01-31T10:00:00.000Z').next;
    await store.invoices.add(issue(subscription, [], new Date().toISOString()));
    const provider = newSandbox();
    const away = { ...provider, charge: () => Promise.reject(new Error('The provider is away')) };
    const parts = { ...store, ...settlementWith(away) };
    await expect(pay(parts, 's1.1', { id: 'p1', method: 'pm_ok' })).rejects.toThrow();
    return { store, provider, away };
  }

  const statusIn = async (store: BillingStore) => (await store.invoices.get('s1.1'))?.status;

  it('leaves a payment alone to whose provider a request may still be waiting', async () => {
    const { store, provider } = await storeWithPending();
    await attempt('payment-recovery', store, settlementWith(provider, providerTimeoutMs));
    expect(await statusIn(store)).toBe('paying');
    await attempt('payment-recovery', store, settlementWith(provider, 3 * providerTimeoutMs));
    expect(await statusIn(store)).toBe('paid');
  });

  it('fails if it leaves a payment pending, which is in its log', async () => {
    const { store, away } = await storeWithPending();
    const warn = vi.fn();
    const log = { warn } as unknown as JobAttempt['log'];
    const later = settlementWith(away, 3 * providerTimeoutMs);
    await expect(attempt('payment-recovery', store, later, { log })).rejects.toThrow(
      'the payments or refunds of 1 invoices stay pending',
    );
    const err = expect.objectContaining({ code: 'payment_unconfirmed' });
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      { err, invoice: 's1.1' },
      'a payment or refund stays pending',
    );
    expect(await statusIn(store)).toBe('paying');
  });
});
