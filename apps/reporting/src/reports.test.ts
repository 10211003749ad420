import { beforeEach, describe, expect, it } from 'vitest';
import type { ReportedEvent } from './figures.ts';
import { recurring, revenue, signUps, topUsage } from './reports.ts';
import { openStore } from './store/open.ts';
import type { ReportingStore } from './store/store.ts';
import { cancelled, changed, deleted, paid, refunded, signedUp, started, used } from './testing/events.ts';

let store: ReportingStore;
beforeEach(async () => {
  store = await openStore('sqlite::memory:');
  return () => store.close();
});

const apply = async (...events: ReportedEvent[]) => {
  for (const event of events) await store.apply(event);
};

const march = { planId: 'pro', currency: 'EUR', at: '2026-03-31T23:59:59Z' };
const april = { ...march, at: '2026-04-01T00:00:00Z' };

describe('the revenue report', () => {
  it('adds up by day, plan and currency, and is sorted by them', async () => {
    await apply(
      paid({ ...april, amount: 5 }),
      paid({ ...march, amount: 100 }),
      paid({ ...march, amount: 20 }),
      paid({ ...march, currency: 'USD', amount: 7 }),
      paid({ ...march, planId: 'basic', amount: 3 }),
      refunded({ ...march, amount: 30 }),
    );
    expect(await Array.fromAsync(revenue(store, { by: 'day' }))).toEqual([
      { period: '2026-03-31', planId: 'basic', currency: 'EUR', paid: 3, refunded: 0, net: 3 },
      { period: '2026-03-31', planId: 'pro', currency: 'EUR', paid: 120, refunded: 30, net: 90 },
      { period: '2026-03-31', planId: 'pro', currency: 'USD', paid: 7, refunded: 0, net: 7 },
      { period: '2026-04-01', planId: 'pro', currency: 'EUR', paid: 5, refunded: 0, net: 5 },
    ]);
  });

  it('adds up the days of a month', async () => {
    await apply(
      paid({ ...march, amount: 1 }),
      paid({ ...march, at: '2026-03-01T00:00:00Z', amount: 2 }),
      paid({ ...march, planId: 'basic', at: '2026-03-15T00:00:00Z', amount: 4 }),
      refunded({ ...april, amount: 8 }),
    );
    expect(await Array.fromAsync(revenue(store, { by: 'month' }))).toEqual([
      { period: '2026-03', planId: 'basic', currency: 'EUR', paid: 4, refunded: 0, net: 4 },
      { period: '2026-03', planId: 'pro', currency: 'EUR', paid: 3, refunded: 0, net: 3 },
      { period: '2026-04', planId: 'pro', currency: 'EUR', paid: 0, refunded: 8, net: -8 },
    ]);
  });

  it('covers the requested days, the first and last included', async () => {
    await apply(...[28, 29, 30, 31].map((day) => paid({ ...march, at: `2026-03-${day}T12:00:00Z` })));
    const periods = async (from?: string, to?: string) =>
      (await Array.fromAsync(revenue(store, { by: 'day', from, to }))).map(({ period }) => period);
    expect(await periods('2026-03-29', '2026-03-30')).toEqual(['2026-03-29', '2026-03-30']);
    expect(await periods('2026-03-30', '2026-03-30')).toEqual(['2026-03-30']);
    expect(await periods('2026-03-31')).toEqual(['2026-03-31']);
    expect(await periods(undefined, '2026-03-28')).toEqual(['2026-03-28']);
  });

  it('rejects a last day before the first', () => {
    expect(() => revenue(store, { by: 'day', from: '2026-03-02', to: '2026-03-01' })).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        message: 'The report ends on 2026-03-01, before it begins on 2026-03-02',
        fields: [{ field: 'query.to', message: 'must not be before query.from' }],
      }),
    );
  });

  it('fails if the sum of a month would not be exact, but still returns its days', async () => {
    const most = { ...march, amount: Number.MAX_SAFE_INTEGER };
    await apply(paid(most), paid({ ...most, at: '2026-03-30T00:00:00Z' }));
    await expect(Array.fromAsync(revenue(store, { by: 'month' }))).rejects.toMatchObject({
      code: 'sum_too_large',
      message: 'Request the report by day',
    });
    expect(await Array.fromAsync(revenue(store, { by: 'day' }))).toHaveLength(2);
  });

  it('is complete if it is longer than a batch', async () => {
    await apply(...Array.from({ length: 501 }, (_, n) => paid({ ...march, planId: `plan-${n}`, amount: 5 })));
    const rows = await Array.fromAsync(revenue(store, { by: 'month' }));
    expect(rows).toHaveLength(501);
    expect(new Set(rows.map(({ paid }) => paid))).toEqual(new Set([5]));
  });
});

describe('the other reports', () => {
  it('return active subscriptions and their monthly revenue', async () => {
    const pro = { planId: 'pro', price: 4900 };
    await apply(
      started({ subscriptionId: 's1' }),
      changed({ subscriptionId: 's1', version: 2, ...pro }),
      started({ subscriptionId: 's2', ...pro }),
      started({ subscriptionId: 's3' }),
      cancelled({ subscriptionId: 's3', version: 2 }),
    );
    expect(await Array.fromAsync(recurring(store))).toEqual([
      { planId: 'pro', currency: 'EUR', active: 2, monthlyRevenue: 9800 },
    ]);
  });

  it('return sign-ups and deletions', async () => {
    await apply(signedUp(march), signedUp(march), deleted(march), signedUp(april));
    expect(await Array.fromAsync(signUps(store, { by: 'month' }))).toEqual([
      { period: '2026-03', signedUp: 2, deleted: 1 },
      { period: '2026-04', signedUp: 1, deleted: 0 },
    ]);
  });

  it('return the subscriptions with the highest usage of a metric', async () => {
    await apply(
      used({ subscriptionId: 's1', userId: 'u1', quantity: 5, records: 1 }),
      used({ subscriptionId: 's2', userId: 'u2', quantity: 9, records: 2 }),
      used({ subscriptionId: 's1', userId: 'u1', quantity: 5, records: 4 }),
      used({ subscriptionId: 's3', userId: 'u3', quantity: 1, records: 1 }),
      used({ metric: 'storage', subscriptionId: 's3', quantity: 100 }),
    );
    expect(await Array.fromAsync(topUsage(store, { metric: 'calls', limit: 2 }))).toEqual([
      { subscriptionId: 's1', userId: 'u1', quantity: 10, records: 5 },
      { subscriptionId: 's2', userId: 'u2', quantity: 9, records: 2 },
    ]);
  });
});
