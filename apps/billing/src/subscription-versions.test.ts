import { describe, expect, it } from 'vitest';
import { planOf } from './plans.ts';
import { type EarlierSubscription, upgrade } from './subscription-versions.ts';
import { advance, cancel, changePlan, type Subscription } from './subscriptions.ts';
import { planFor } from './terms.ts';
import { openForTest, stores } from './testing/stores.ts';
import { createWorld } from './testing/world.ts';

const january = '2026-01-01T00:00:00.000Z';
const february = '2026-02-01T00:00:00.000Z';
const march = '2026-03-01T00:00:00.000Z';

/** As the version before stored it in February, after the invoice of January. */
const earlier = (facts: Partial<EarlierSubscription> = {}): EarlierSubscription => ({
  ...{ id: 's1', userId: 'u1', planId: 'starter', status: 'active', startedAt: january, version: 2 },
  ...{ period: 2, periodStart: february, periodEnd: march, dueAt: march },
  billed: [{ metric: 'api_calls', quantity: 12_000, records: 2 }],
  ...facts,
});
const plansOf = ({ terms }: Subscription) => [1, 2, 3, 4].map((period) => planFor(terms, period).id);

describe('a subscription that the version before stored', () => {
  it.each([
    [{ id: 'free', name: 'Free', currency: 'EUR', price: 0 }, [1_000, 100], [720, 5]],
    [{ id: 'starter', name: 'Starter', currency: 'EUR', price: 1_900 }, [10_000, 60], [7_200, 4]],
    [{ id: 'pro', name: 'Pro', currency: 'EUR', price: 9_900 }, [100_000, 35], [72_000, 3]],
    [{ id: 'pro-usd', name: 'Pro (US dollars)', currency: 'USD', price: 10_900 }, [100_000, 39], [72_000, 3]],
  ])('has the prices of that version, whatever the catalogue says now: $id', (plan, calls, storage) => {
    expect(planFor(upgrade(earlier({ planId: plan.id })).terms, 2)).toEqual({
      ...plan,
      meters: [
        { metric: 'api_calls', included: calls[0], price: calls[1], per: 1_000 },
        { metric: 'storage_gb_hours', included: storage[0], price: storage[1], per: 100 },
      ],
    });
  });

  it('is not read with a plan that the version before did not have', () => {
    expect(() => upgrade(earlier({ planId: 'platinum' }))).toThrow(
      'The earlier catalogue has no plan platinum',
    );
  });

  it('keeps the plans that were in force when its periods ended', () => {
    const earlierPlans = [
      { planId: 'free', lastPeriod: 2 },
      { planId: 'starter', lastPeriod: 3 },
    ];
    const found = upgrade(earlier({ planId: 'pro', earlierPlans }));
    expect(plansOf(found)).toEqual(['free', 'free', 'starter', 'pro']);
    expect(found).not.toHaveProperty('earlierPlans');
  });

  it.each([
    ['in its open period', '2026-02-10T00:00:00.000Z', '2026-02-10T00:00:00.000Z', 2],
    ['in a later period', '2026-03-10T00:00:00.000Z', march, 3],
    ['at the end of its open period', march, march, 2],
    ['and is billed', '2026-01-20T00:00:00.000Z', undefined, 1],
  ])('that was cancelled %s ended then', (_, cancelledAt, dueAt, lastPeriod) => {
    const found = upgrade(earlier({ status: 'cancelled', cancelledAt, dueAt }));
    expect(found).toMatchObject({ endsAt: cancelledAt, lastPeriod });
    expect(found.dueAt).toBe(dueAt);
  });

  it('is read as it is by the version that has stored it since', () => {
    const present = upgrade(earlier());
    expect(upgrade(present)).toEqual(present);
    const cancelled = cancel(present, '2026-02-10T00:00:00.000Z')?.next ?? present;
    expect(upgrade(cancelled)).toEqual(cancelled);
    const closed = advance(cancelled, { usage: [] }, march).next;
    expect(upgrade(closed)).toEqual(closed);
    const moved = changePlan(present, planOf('pro'), '2026-02-10T00:00:00.000Z')?.next ?? present;
    const left = cancel(moved, '2026-02-11T00:00:00.000Z')?.next ?? moved;
    const over = advance(left, { usage: [] }, march).next;
    expect(upgrade(over)).toEqual(over);
  });

  it('that has terms already has the plan and the end that a replica of that version has given it', () => {
    const present = upgrade(earlier());
    const earlierPlans = [{ planId: 'starter', lastPeriod: 2 }];
    expect(plansOf(upgrade({ ...present, planId: 'pro', earlierPlans }))).toEqual([
      ...['starter', 'starter', 'pro', 'pro'],
    ]);
    const free = upgrade(earlier({ planId: 'free' }));
    expect(plansOf(upgrade({ ...free, planId: 'pro' }))).toEqual(['free', 'pro', 'pro', 'pro']);
    const cancelledAt = '2026-02-10T00:00:00.000Z';
    const cancelled = upgrade({ ...present, status: 'cancelled', cancelledAt, dueAt: cancelledAt });
    expect(cancelled).toMatchObject({ endsAt: cancelledAt, lastPeriod: 2, dueAt: cancelledAt });
  });
});

describe.each(stores)('on $name, a subscription that the version before stored', ({ newSettings }) => {
  const usage = (id: string, quantity: number, period: number) => ({
    ...{ id, subscriptionId: 's1', userId: 'u1', metric: 'api_calls', quantity, period },
    at: period === 1 ? january : february,
  });

  async function open(facts: Partial<EarlierSubscription> = {}) {
    const store = await openForTest(newSettings());
    const next = earlier(facts) as unknown as Subscription;
    await store.subscriptions.add({ next, entries: [], events: [] });
    await store.usage.add([usage('old-1', 7_000, 1), usage('old-2', 5_000, 1)], () => []);
    return createWorld(store, february);
  }

  it('is billed on, and what it has billed is not billed again', async () => {
    const world = await open();
    await world.use('s1', 11_000, february);
    await world.use('s1', 1_000, january);
    world.now = march;
    await world.bill();
    const [invoice] = await world.invoices();
    // 1,000 of February beyond its 10,000, and 1,000 more of January, which had 12,000.
    expect(invoice).toMatchObject({ id: 's1.2', total: 1_900 + 60 + 60 });
    expect(await world.store.subscriptions.find(['s1'])).toMatchObject([
      { billed: [{ quantity: 24_000, records: 4 }], terms: [{ fromPeriod: 1 }] },
    ]);
  });

  it('goes on when a replica of that version has billed in between', async () => {
    const world = await open();
    const present = (await world.store.subscriptions.get('s1')) as Subscription;
    const next = {
      ...present,
      billedByPeriod: [{ period: 1, metric: 'api_calls', quantity: 7_000, records: 1 }],
    };
    await world.store.subscriptions.replace({
      ...{ next: { ...next, version: present.version + 1 }, entries: [], events: [] },
    });
    world.now = march;
    await world.bill();
    expect((await world.invoices()).map(({ total }) => total)).toEqual([1_900]);
  });

  it('can be cancelled, moved and left', async () => {
    const world = await open();
    expect(await world.cancel('s1')).toMatchObject({ endsAt: march });
    await world.resume('s1');
    expect(await world.changePlan('s1', 'pro')).toMatchObject({
      planId: 'starter',
      nextPlan: { planId: 'pro' },
    });
    await expect(world.leave()).rejects.toMatchObject({ code: 'invoices_open' });
    expect((await world.invoices()).map(({ total }) => total)).toEqual([1_900]);
  });

  it('that had ended takes late usage', async () => {
    const world = await open({
      status: 'cancelled',
      cancelledAt: '2026-01-20T00:00:00.000Z',
      dueAt: undefined,
    });
    await world.use('s1', 1_000, january);
    await world.bill();
    expect((await world.invoices()).map(({ total }) => total)).toEqual([60]);
  });
});
