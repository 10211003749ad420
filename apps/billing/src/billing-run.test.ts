import { problem } from '@slipway/contract-kit/problem';
import { update } from '@slipway/platform/events/aggregates';
import { createMetrics } from '@slipway/platform/telemetry/metrics';
import { seriesValue } from '@slipway/platform/testing/metrics';
import { describe, expect, it } from 'vitest';
import { type BillingParts, type RunOptions, runBilling } from './billing-run.ts';
import { createCounts } from './counts.ts';
import { isBalanced } from './ledger.ts';
import { planOf, plans } from './plans.ts';
import { cancel, changePlan, start } from './subscriptions.ts';
import { atEachCrashPoint, Crash } from './testing/crash.ts';
import { openForTest, stores } from './testing/stores.ts';
import { type UsageStore, usageEvents } from './usage.ts';

const began = '2026-01-31T10:00:00.000Z';
const clock = { now: () => '2026-03-05T00:00:00.000Z', tolerance: 300_000 };
const afterOne = '2026-03-01T00:00:00.000Z';
const afterThree = '2026-04-30T10:00:00.000Z';

describe.each(stores)('on $name', ({ newSettings }) => {
  async function newWorld() {
    const store = await openForTest(newSettings());
    const metrics = createMetrics('billing', 'test');
    const parts: BillingParts = { ...store, clock, plans, counts: createCounts(metrics) };
    return {
      store,
      parts,
      counted: (name: string, labels: Record<string, string> = {}) => seriesValue(metrics, name, labels),
      subscribe: (id: string, at = began) => store.subscriptions.add(start(id, 'u1', planOf('starter'), at)),
      move: (id: string, planId: string, at: string) =>
        update(store.subscriptions, id, (present) => changePlan(present, planOf(planId), at)),
      use: (id: string, quantity: number, period = 1, subscriptionId = 's1') =>
        store.usage.add(
          [{ id, subscriptionId, userId: 'u1', metric: 'api_calls', quantity, at: began, period }],
          usageEvents,
        ),
      run: (asOf: string, options: Partial<RunOptions> = {}, given = parts) =>
        runBilling(given, {
          asOf,
          mayGoOn: () => true,
          onFailure: (error) => {
            throw error;
          },
          ...options,
        }),
      invoices: async () => (await store.invoices.list({}, 200)).sort((a, b) => (a.id < b.id ? -1 : 1)),
    };
  }

  type World = Awaited<ReturnType<typeof newWorld>>;

  /** Quantities billed, invoice by invoice. */
  async function billedUsage({ invoices }: World): Promise<number[]> {
    return (await invoices()).map(({ usage }) => usage[0]?.quantity ?? 0);
  }

  describe('a billing run', () => {
    it('counts each invoice and its total once, however often and by how many it is run', async () => {
      const world = await newWorld();
      await world.subscribe('s1');
      await Promise.all([world.run(afterThree), world.run(afterThree)]);
      await world.run(afterThree);
      expect(await world.counted('billing_invoices_issued_total')).toBe(3);
      expect(await world.counted('billing_invoiced_amount_total', { currency: 'EUR' })).toBe(3 * 1_900);
      expect(await world.counted('billing_invoiced_amount_total', { currency: 'USD' })).toBe(0);
    });

    it('bills what has ended, and nothing before its time', async () => {
      const world = await newWorld();
      await world.subscribe('s1');
      await world.use('r1', 12_000);
      expect(await world.run('2026-02-28T09:59:59.999Z')).toMatchObject({ issued: 0, subscriptions: 0 });
      expect(await world.run('2026-02-28T10:00:00.000Z')).toEqual({
        issued: 1,
        subscriptions: 1,
        failed: 0,
        complete: true,
      });
      expect(await world.invoices()).toMatchObject([{ id: 's1.1', total: 2_020, status: 'open' }]);
    });

    it('bills all periods that have ended, each with its own usage', async () => {
      const world = await newWorld();
      await world.subscribe('s1');
      await world.use('r1', 11, 1);
      await world.use('r2', 22, 2);
      await world.use('r4', 44, 4);
      expect(await world.run(afterThree)).toMatchObject({ issued: 3, subscriptions: 1 });
      expect((await world.invoices()).map(({ id, periodStart }) => [id, periodStart.slice(0, 10)])).toEqual([
        ['s1.1', '2026-01-31'],
        ['s1.2', '2026-02-28'],
        ['s1.3', '2026-03-31'],
      ]);
      expect(await billedUsage(world)).toEqual([11, 22, 0]);
    });

    it('is safe to repeat', async () => {
      const world = await newWorld();
      await world.subscribe('s1');
      await world.run(afterOne);
      expect(await world.run(afterOne)).toEqual({ issued: 0, subscriptions: 0, failed: 0, complete: true });
      expect(await world.invoices()).toHaveLength(1);
    });

    it('bills usage that came after the invoice of its period with the next one, once', async () => {
      const world = await newWorld();
      await world.subscribe('s1');
      await world.use('r1', 100);
      await world.run(afterOne);
      await world.use('r2', 7, 1);
      await world.run(afterThree);
      expect(await billedUsage(world)).toEqual([100, 7, 0]);
    });

    it.each([
      ['2026-02-28T09:59:59.999Z', ['starter', 'pro', 'pro']],
      ['2026-02-28T10:00:00.000Z', ['starter', 'starter', 'pro']],
      ['2026-04-01T00:00:00.000Z', ['starter', 'starter', 'starter']],
    ])('bills a plan from the period after the change on, for a change at %s', async (at, billed) => {
      const world = await newWorld();
      await world.subscribe('s1');
      await world.move('s1', 'pro', at);
      await world.run(afterThree);
      expect((await world.invoices()).map(({ planId }) => planId)).toEqual(billed);
      expect(await world.store.subscriptions.get('s1')).toMatchObject({ planId: 'pro' });
    });

    it('bills a cancelled subscription to its end, and then never again', async () => {
      const world = await newWorld();
      await world.subscribe('s1');
      const subscription = await world.store.subscriptions.get('s1');
      const change = subscription && cancel(subscription, '2026-03-10T00:00:00.000Z');
      if (change) await world.store.subscriptions.replace(change);
      expect(await world.run('2026-03-10T00:00:00.000Z')).toMatchObject({ issued: 1 });
      expect(await world.run('2026-03-31T10:00:00.000Z')).toMatchObject({ issued: 1 });
      expect(await world.run('2027-01-01T00:00:00.000Z')).toMatchObject({ issued: 0 });
      expect((await world.invoices()).at(-1)).toMatchObject({
        id: 's1.2',
        periodEnd: '2026-03-31T10:00:00.000Z',
      });
    });

    it('says that it is not complete when its time runs out, and goes on when repeated', async () => {
      const world = await newWorld();
      for (const id of ['s1', 's2', 's3']) await world.subscribe(id);
      let left = 4;
      const cutOff = await world.run(afterThree, { mayGoOn: () => left-- > 0 });
      expect(cutOff).toMatchObject({ complete: false, issued: 3 });
      expect(await world.run(afterThree)).toMatchObject({ complete: true, issued: 6 });
    });

    it('does not count a subscription that it has billed in part when its time runs out', async () => {
      const world = await newWorld();
      await world.subscribe('s1');
      let left = 3;
      const cutOff = await world.run(afterThree, { mayGoOn: () => left-- > 0 });
      expect(cutOff).toEqual({ issued: 2, subscriptions: 0, failed: 0, complete: false });
    });

    it('bills usage that arrives while the last invoice of an ended subscription is issued', async () => {
      const world = await newWorld();
      await world.subscribe('s1');
      await update(world.store.subscriptions, 's1', (present) => cancel(present, '2026-03-10T00:00:00.000Z'));
      const { invoices } = world.store;
      const add: typeof invoices.add = async (change) => {
        const isNew = await invoices.add(change);
        if (change.next.id === 's1.2') await world.use('late', 5, 2);
        return isNew;
      };
      const parts = { ...world.parts, invoices: { ...invoices, add } };
      expect(await world.run(afterThree, {}, parts)).toMatchObject({ issued: 3, complete: true });
      expect(await billedUsage(world)).toEqual([0, 0, 5]);
    });

    it('names an invoice that can be neither added nor read', async () => {
      const world = await newWorld();
      await world.subscribe('s1');
      const broken = { ...world.store.invoices, add: async () => false, get: async () => undefined };
      await expect(world.run(afterOne, {}, { ...world.parts, invoices: broken })).rejects.toThrow(
        'Invoice s1.1 could be neither added nor read',
      );
    });

    it('reaches every subscription, however many are due at the same instant', async () => {
      const world = await newWorld();
      for (let n = 0; n < 120; n++) await world.subscribe(`s${n}`);
      expect(await world.run(afterOne)).toMatchObject({ issued: 120, subscriptions: 120 });
    });

    it.each([new RangeError('a bug'), problem('conflict')])(
      'is not stopped by a subscription that cannot be billed (%s)',
      async (reason) => {
        const world = await newWorld();
        for (const id of ['s1', 's2', 's3']) await world.subscribe(id);
        const totals: UsageStore['totals'] = (id) =>
          id === 's2' ? Promise.reject(reason) : world.store.usage.totals(id);
        const parts = { ...world.parts, usage: { ...world.parts.usage, totals } };
        const failures: string[] = [];
        const report = await world.run(afterOne, { onFailure: (_error, id) => failures.push(id) }, parts);
        expect(report).toEqual({ issued: 2, subscriptions: 2, failed: 1, complete: true });
        expect(failures).toEqual(['s2']);
      },
    );

    it('tries each subscription once, however many cannot be billed', async () => {
      const world = await newWorld();
      for (let n = 0; n < 51; n++) await world.subscribe(`s${n}`);
      const totals = () => Promise.reject(new RangeError('a bug'));
      const parts = { ...world.parts, usage: { ...world.parts.usage, totals } };
      const report = await world.run(afterOne, { onFailure: () => undefined }, parts);
      expect(report).toEqual({ issued: 0, subscriptions: 0, failed: 51, complete: true });
    });

    it('ends when the store is away, since that is no fault of one subscription', async () => {
      const world = await newWorld();
      for (const id of ['s1', 's2']) await world.subscribe(id);
      const away = () => Promise.reject(problem('unavailable', 'The database does not answer'));
      const parts = { ...world.parts, usage: { ...world.parts.usage, totals: away } };
      const failures: string[] = [];
      const run = world.run(afterOne, { onFailure: (_error, id) => failures.push(id) }, parts);
      await expect(run).rejects.toMatchObject({ code: 'unavailable' });
      expect(failures).toEqual([]);
    });

    it('on several replicas at once issues each invoice once', async () => {
      const world = await newWorld();
      for (let n = 0; n < 20; n++) await world.subscribe(`s${n}`);
      const reports = await Promise.all([1, 2, 3].map(() => world.run(afterThree)));
      expect(reports.reduce((sum, { issued }) => sum + issued, 0)).toBe(60);
      expect(await world.invoices()).toHaveLength(60);
    });

    it('loses and doubles no usage that arrives while replicas bill', async () => {
      const world = await newWorld();
      await world.subscribe('s1');
      let sent = 0;
      const send = async () => {
        for (let n = 0; n < 200; n++) {
          await world.use(`r${n}`, 1 + (n % 7), 1 + (n % 3));
          sent += 1 + (n % 7);
          await new Promise(setImmediate);
        }
      };
      const bill = async () => {
        for (const asOf of [afterOne, '2026-03-31T12:00:00.000Z', afterThree]) await world.run(asOf);
      };
      await Promise.all([send(), bill(), bill(), bill()]);
      await world.run('2026-06-30T12:00:00.000Z');
      expect((await billedUsage(world)).reduce((sum, quantity) => sum + quantity, 0)).toBe(sent);
    });

    it('is repaired by a repetition, wherever a crash cut it off', async () => {
      const points = await atEachCrashPoint(async ({ wrap }, name) => {
        const world = await newWorld();
        await world.subscribe('s1');
        await world.use('r1', 12_000, 1);
        const { subscriptions, invoices, usage } = world.store;
        const dying = {
          subscriptions: wrap(subscriptions),
          invoices: wrap(invoices),
          usage: wrap(usage),
          clock,
          counts: world.parts.counts,
          plans,
        };
        const crash = await world.run(afterThree, {}, dying).catch((error: unknown) => error);
        if (crash instanceof Error) expect(crash, name).toBeInstanceOf(Crash);

        await world.use('late', 5, 1);
        await world.run(afterThree);
        await world.run('2026-06-01T00:00:00.000Z');
        const billed = await billedUsage(world);
        expect(billed, name).toHaveLength(4);
        expect(
          billed.reduce((sum, quantity) => sum + quantity, 0),
          name,
        ).toBe(12_005);
        const balances = await world.store.ledger.balances();
        expect(isBalanced(balances), name).toBe(true);
        const owed = (await world.invoices()).reduce((sum, { total }) => sum + total, 0);
        expect(balances.find(({ account }) => account === 'receivable')?.balance, name).toBe(owed);
        const told = (await world.store.outbox.pending(100)).filter(({ type }) => type === 'invoice.issued');
        expect(told, name).toHaveLength(4);
      });
      expect(points).toBeGreaterThan(20);
    });
  });
});
