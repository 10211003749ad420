import { describe, expect, it } from 'vitest';
import { openForTest, stores } from './testing/stores.ts';
import { createWorld } from './testing/world.ts';

const december = '2025-12-01T00:00:00.000Z';
const january = '2026-01-01T00:00:00.000Z';
const february = '2026-02-01T00:00:00.000Z';
const march = '2026-03-01T00:00:00.000Z';
const april = '2026-04-01T00:00:00.000Z';

/** Ways in which a customer once paid less than the rule says, each with what it costs. */
describe.each(stores)('on $name, no customer pays less by', ({ newSettings }) => {
  const open = async (start: string) => createWorld(await openForTest(newSettings()), start);
  type World = Awaited<ReturnType<typeof open>>;

  async function billAt(world: World, ...instants: string[]) {
    for (const now of instants) {
      world.now = now;
      await world.bill();
    }
    return (await world.invoices()).map(({ total }) => total);
  }

  it('holding usage of the free plan back until the move to a larger one', async () => {
    const world = await open(january);
    const id = await world.subscribe('free');
    await world.changePlan(id, 'pro');
    await billAt(world, february);
    await world.use(id, 90_000, '2026-01-15T00:00:00.000Z');
    expect(await billAt(world, march)).toEqual([0, 9_900 + 8_900]);
  });

  it('moving late usage into the allowance of the next period, or the other way round', async () => {
    const world = await open(december);
    const id = await world.subscribe('starter');
    await world.use(id, 8_000, december);
    await billAt(world, january);
    await world.use(id, 8_000, '2025-12-31T23:59:59.999Z');
    await world.use(id, 8_000, january);
    // December has 6,000 calls beyond its 10,000; January has none.
    expect(await billAt(world, february)).toEqual([1_900, 1_900 + 360]);
  });

  it('paying nothing beyond the allowance that two invoices of one month would have', async () => {
    const world = await open(december);
    const id = await world.subscribe('starter');
    await world.use(id, 8_000, december);
    await billAt(world, january);
    await world.use(id, 1_000, '2025-12-05T00:00:00.000Z');
    await world.use(id, 8_000, january);
    expect(await billAt(world, february)).toEqual([1_900, 1_900]);
  });

  it('telling half of February late, when March has an allowance that nobody used', async () => {
    const world = await open(february);
    const id = await world.subscribe('starter');
    await world.use(id, 10_000, february);
    await billAt(world, march);
    await world.use(id, 10_000, '2026-02-20T00:00:00.000Z');
    expect(await billAt(world, april)).toEqual([1_900, 1_900 + 600]);
    const [, invoice] = await world.invoices();
    expect(invoice?.lines).toMatchObject([
      { amount: 1_900, periodStart: march, periodEnd: april },
      { metric: 'api_calls', quantity: 10_000, amount: 600, periodStart: february, periodEnd: march },
    ]);
  });

  it('cancelling: the period that has begun is billed in full, at its end', async () => {
    const world = await open(january);
    const id = await world.subscribe('pro');
    world.now = '2026-01-01T00:00:02.000Z';
    expect(await world.cancel(id)).toMatchObject({ status: 'cancelled', endsAt: february });
    expect(await billAt(world, '2026-01-01T00:00:03.000Z')).toEqual([]);
    expect(await billAt(world, february, march)).toEqual([9_900]);
  });

  it('moving to a cheaper plan just before the period ends', async () => {
    const world = await open(january);
    const id = await world.subscribe('pro');
    world.now = '2026-01-31T23:59:50.000Z';
    const nextPlan = { planId: 'free', price: 0, startsAt: february };
    expect(await world.changePlan(id, 'free')).toMatchObject({ planId: 'pro', nextPlan });
    expect(await billAt(world, february, march)).toEqual([9_900, 0]);
  });

  it('holding usage back until the last invoice is out', async () => {
    const world = await open(january);
    const id = await world.subscribe('free');
    await world.cancel(id);
    await billAt(world, february);
    await world.use(id, 90_000, '2026-01-15T00:00:00.000Z');
    expect(await billAt(world, march, april)).toEqual([0, 8_900]);
    const [, late] = await world.invoices();
    expect(late?.lines).toMatchObject([{ quantity: 90_000, periodStart: january, periodEnd: february }]);
  });

  it('dating usage ahead, into a period that a cancellation then takes away', async () => {
    const world = await open(january);
    const id = await world.subscribe('free');
    world.now = '2026-01-31T23:59:00.000Z';
    await world.use(id, 90_000, '2026-02-01T00:01:00.000Z');
    await world.cancel(id);
    expect(await billAt(world, february, march)).toEqual([8_900]);
  });

  it('cancelling and taking it back, or moving to and fro', async () => {
    const world = await open(january);
    const id = await world.subscribe('pro');
    await world.cancel(id);
    await world.changePlan(id, 'free').catch(() => undefined);
    await world.resume(id);
    await world.changePlan(id, 'free');
    await world.changePlan(id, 'pro');
    expect(await billAt(world, february, march)).toEqual([9_900, 9_900]);
  });

  it('leaving: the period that has begun is billed in full, at once, and the account stays until it is paid', async () => {
    const world = await open(january);
    const id = await world.subscribe('pro');
    await world.use(id, 101_000);
    world.now = '2026-01-02T00:00:00.000Z';
    await expect(world.leave()).rejects.toMatchObject({
      code: 'invoices_open',
      fields: [{ field: `invoices.${id}.1`, message: expect.stringContaining('9935') }],
    });
    await expect(world.leave()).rejects.toMatchObject({ code: 'invoices_open' });
    await world.pay(`${id}.1`);
    await world.leave();
    expect(await billAt(world, february, march)).toEqual([9_935]);
  });

  it('leaving right after a release that has lower prices, or staying after one that has higher ones', async () => {
    const world = await open(january);
    await world.subscribe('pro');
    const priced = (price: number) =>
      world.plans.map((plan) => (plan.id === 'pro' ? { ...plan, price } : plan));
    world.plans = priced(1);
    await billAt(world, february);
    world.plans = priced(20_000);
    // The invoice of 1 February announced the price of March.
    expect(await billAt(world, march, april, '2026-05-01T00:00:00.000Z')).toEqual([9_900, 9_900, 1, 20_000]);
  });
});
