import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LeaseLost } from '@slipway/platform/jobs/fence';
import type { JobAttempt } from '@slipway/platform/jobs/job';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { planOf } from './plans.ts';
import { openStore } from './store/open.ts';
import type { BillingStore } from './store/store.ts';
import { start } from './subscriptions.ts';
import { attempt, newSandbox, settlementWith } from './testing/job-attempts.ts';
import { startBilling } from './testing/service.ts';
import { openForTest, stores } from './testing/stores.ts';

const day = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * day).toISOString();

/** The address of a new database in a file, which is deleted after the test. */
async function newDatabase(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jobs-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return `sqlite:${join(folder, 'billing.db')}`;
}

const billOn = (store: BillingStore, given?: Partial<JobAttempt>) =>
  attempt('billing-cycle', store, settlementWith(newSandbox()), given);

it('settles what was pending when the service died, as soon as it runs again, with nobody asking', async () => {
  const environment = { STORE_URL: await newDatabase(), BILLING_TEST_CLOCK: 'true' };
  const first = await startBilling({ ...environment, PROVIDER_TIMEOUT_MS: '50' });
  const ann = await first.callerFor('ann', 'member');
  const admin = await first.callerFor('root', 'admin');
  const { body: subscription } = await ann('POST', '/subscriptions', { body: { planId: 'pro' }, key: 'k' });
  const asOf = new Date(Date.now() + 32 * day).toISOString();
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
});

it('bills at its start what became due while no replica was there, and tells other services once', async () => {
  const STORE_URL = await newDatabase();
  const before = await openStore(STORE_URL);
  await before.subscriptions.add(start('s1', 'ann', planOf('starter'), daysAgo(70)));
  await before.close();

  const service = await startBilling({ STORE_URL });
  const cycle = async () => (await service.store.jobs.get('billing-cycle'))?.succeeded;
  await vi.waitFor(async () => expect(await cycle()).toBe(1), 10_000);
  const invoices = await service.store.invoices.list({}, 10);
  expect(invoices.map(({ id }) => id).sort()).toEqual(['s1.1', 's1.2']);
  const events = (await service.store.outbox.pending(100)).filter(({ type }) => type === 'job.succeeded');
  expect(events).toMatchObject([{ source: 'billing', data: { job: 'billing-cycle', succeeded: 1 } }]);
  await service.stop();
});

describe.each(stores)('an attempt of the billing cycle on $name', ({ newSettings }) => {
  /** A store with subscriptions whose first period has ended. */
  async function storeWith(...subscriptions: string[]): Promise<BillingStore> {
    const store = await openForTest(newSettings());
    for (const id of subscriptions) {
      await store.subscriptions.add(start(id, 'u1', planOf('starter'), daysAgo(40)));
    }
    return store;
  }

  it('does not bill what falls due after the planned time of the run', async () => {
    const store = await storeWith('s1');
    await billOn(store, { plannedAt: daysAgo(20) });
    expect(await store.invoices.list({}, 10)).toEqual([]);
    await billOn(store);
    expect(await store.invoices.list({}, 10)).toHaveLength(1);
  });

  it('fails if a subscription could not be billed, after it has billed the others', async () => {
    const store = await storeWith('s1', 's2', 's3');
    const totals = (id: string) => (id === 's2' ? Promise.reject(new RangeError()) : store.usage.totals(id));
    await expect(billOn({ ...store, usage: { ...store.usage, totals } })).rejects.toThrow(
      '1 subscriptions could not be billed',
    );
    expect(await store.invoices.list({}, 10)).toHaveLength(2);
    await billOn(store);
    expect(await store.invoices.list({}, 10)).toHaveLength(3);
  });

  it('stops between two subscriptions when it is told to, and a later attempt bills the rest', async () => {
    const store = await storeWith('s1', 's2', 's3');
    const stop = new AbortController();
    const totals = (id: string) => {
      stop.abort(new Error('the service stops'));
      return store.usage.totals(id);
    };
    const interrupted = billOn({ ...store, usage: { ...store.usage, totals } }, { signal: stop.signal });
    await expect(interrupted).rejects.toThrow('the service stops');
    expect(await store.invoices.list({}, 10)).toHaveLength(1);
    await billOn(store);
    expect(await store.invoices.list({}, 10)).toHaveLength(3);
  });

  it('bills nothing more, and reports no subscription, after another replica has taken it over', async () => {
    const store = await storeWith('s1', 's2');
    const check = () => {
      throw new LeaseLost('billing-cycle');
    };
    const stale = billOn(store, { fence: { job: 'billing-cycle', token: 1, check } });
    await expect(stale).rejects.toThrow(LeaseLost);
    expect(await store.invoices.list({}, 10)).toEqual([]);
  });

  it('changes no subscription that a newer attempt has changed', async () => {
    const store = await storeWith('s1');
    await billOn(store, { fence: { job: 'billing-cycle', token: 2, check: () => undefined } });
    const stale = billOn(store, {
      plannedAt: new Date(Date.now() + 60 * day).toISOString(),
      fence: { job: 'billing-cycle', token: 1, check: () => undefined },
    });
    await expect(stale).rejects.toThrow(LeaseLost);
    expect(await store.subscriptions.get('s1')).toMatchObject({ period: 2 });
  });
});
