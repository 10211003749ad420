import { createMetrics } from '@slipway/platform/telemetry/metrics';
import { describe, expect, it, vi } from 'vitest';
import { type ClosingParts, closeAccount } from './account-closing.ts';
import { createCounts } from './counts.ts';
import { openForTest, stores } from './testing/stores.ts';
import { createWorld } from './testing/world.ts';

const began = '2026-01-31T10:00:00.000Z';

describe.each(stores)('closing an account, on $name', ({ newSettings }) => {
  async function newWorld() {
    const store = await openForTest(newSettings());
    const world = createWorld(store, began);
    const parts: ClosingParts = {
      ...store,
      clock: { now: () => world.now, tolerance: 300_000 },
      counts: createCounts(createMetrics('billing', 'test')),
      plans: world.plans,
      mayGoOn: () => true,
    };
    const isClosed = async () => (await store.closedAccounts.closedAt('u1')) !== undefined;
    const unbilled = async () =>
      (await store.subscriptions.list({ userId: 'u1' }, 1_000)).filter(({ dueAt }) => dueAt !== undefined);
    return { store, world, parts, isClosed, unbilled };
  }

  it('ends and bills its subscriptions, and closes it as soon as nothing is owed', async () => {
    const { world, isClosed, unbilled } = await newWorld();
    const paid = await world.subscribe('pro');
    await world.subscribe('free');
    const other = await world.subscribe('pro', 'u2');
    await expect(world.leave()).rejects.toMatchObject({
      code: 'invoices_open',
      message: 'Pay the open invoices first; GET /api/v1/invoices?status=open lists them',
      fields: [{ field: `invoices.${paid}.1`, message: 'is open: 9900 in minor units of EUR' }],
    });
    expect(await unbilled()).toEqual([]);
    expect(await isClosed()).toBe(false);
    await world.pay(`${paid}.1`);
    await world.leave();
    expect(await isClosed()).toBe(true);
    expect(await world.invoices({ subscriptionId: other })).toEqual([]);
  });

  it('ends more subscriptions than are read at a time, and reads each page once', async () => {
    const { store, world, parts, unbilled } = await newWorld();
    for (let n = 0; n < 101; n += 1) {
      world.now = new Date(Date.parse(began) + n).toISOString();
      await world.subscribe('free');
    }
    const pages = vi.spyOn(store.subscriptions, 'list');
    await closeAccount(parts, 'u1');
    // The newest come first.
    const lastOfPage = new Date(Date.parse(began) + 1).toISOString();
    const cursors = pages.mock.calls.map(([, , after]) => after?.at);
    expect(cursors).toEqual([undefined, lastOfPage, undefined, lastOfPage]);
    expect(await unbilled()).toEqual([]);
  });

  it('leaves a subscription alone that has ended and is billed', async () => {
    const { store, world, parts } = await newWorld();
    await world.subscribe('free');
    await closeAccount(parts, 'u1');
    const reads = vi.spyOn(store.subscriptions, 'get');
    await closeAccount(parts, 'u1');
    expect(reads).not.toHaveBeenCalled();
  });

  it('is to be repeated if the time ends before everything is billed', async () => {
    const { world, parts, isClosed } = await newWorld();
    await world.subscribe('free');
    const inHaste = { ...parts, mayGoOn: () => false };
    await expect(closeAccount(inHaste, 'u1')).rejects.toMatchObject({
      ...{ code: 'overloaded', message: 'Some subscriptions are not billed yet; try again', retryAfter: 1 },
    });
    expect(await isClosed()).toBe(false);
    await closeAccount(parts, 'u1');
    expect(await isClosed()).toBe(true);
  });

  it.each(['free', 'pro'])('ends a subscription to %s that starts at the same moment', async (plan) => {
    const { store, world, parts, unbilled } = await newWorld();
    const closedAccounts = {
      ...store.closedAccounts,
      async close(userId: string, at: string) {
        await world.subscribe(plan);
        await store.closedAccounts.close(userId, at);
      },
    };
    const closing = closeAccount({ ...parts, closedAccounts }, 'u1');
    if (plan === 'free') await closing;
    else await expect(closing).rejects.toMatchObject({ code: 'invoices_open' });
    expect(await unbilled()).toEqual([]);
  });
});
