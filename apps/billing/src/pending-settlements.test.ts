import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { startBilling } from './testing/service.ts';

it('settles what was pending when the service died, as soon as it runs again, with nobody asking', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'recovery-'));
  const environment = { STORE_URL: `sqlite:${join(folder, 'billing.db')}`, BILLING_TEST_CLOCK: 'true' };
  const first = await startBilling({ ...environment, PROVIDER_TIMEOUT_MS: '50' });
  const ann = await first.callerFor('ann', 'member');
  const admin = await first.callerFor('root', 'admin');
  const { body: subscription } = await ann('POST', '/subscriptions', { body: { planId: 'pro' }, key: 'k' });
  const asOf = new Date(Date.now() + 32 * 86_400_000).toISOString();
  await admin('POST', '/billing-runs', { body: { asOf } });
  const path = `/invoices/${subscription.id}.1`;
  expect(await ann('POST', `${path}/payments`, { body: { method: 'pm_late' }, key: 'p' })).toMatchObject({
    status: 503,
  });
  await first.stop();

  const second = await startBilling({ ...environment, PROVIDER_TIMEOUT_MS: '50' });
  const again = await second.callerFor('ann', 'member');
  await vi.waitFor(async () => expect((await again('GET', path)).body.status).toBe('paid'), 10_000);
  const told = (await second.store.outbox.pending(100)).map(({ type }) => type);
  expect(told.filter((type) => type === 'payment.succeeded')).toHaveLength(1);
  await second.stop();
  await rm(folder, { recursive: true });
});
