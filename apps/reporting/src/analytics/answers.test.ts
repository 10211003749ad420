import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadQuestions } from '../questions.ts';
import { recurring, revenue } from '../reports.ts';
import { openStore } from '../store/open.ts';
import type { ReportingStore } from '../store/store.ts';
import { changed, paid, refunded, signedUp, started, used } from '../testing/events.ts';
import { generateYear } from '../testing/year.ts';
import { type Answers, ExportMissing, openAnswers } from './answers.ts';
import type { Value } from './duckdb.ts';
import { exportEvents } from './export.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'answers-'));
});
afterAll(() => rm(root, { recursive: true }));

let folders = 0;
const newFolder = () => join(root, String(++folders));

type Row = Record<string, Value>;

async function ask(answers: Answers, name: string): Promise<Row[]> {
  const question = loadQuestions().find((each) => each.name === name);
  if (!question) throw new Error(`There is no question ${name}`);
  const { columns, rows } = await answers.ask(question);
  return rows.map((row) => Object.fromEntries(row.map((value, index) => [columns[index]?.name, value])));
}

/** Exports a store and asks one question. */
async function answerOf(store: ReportingStore, folder: string, name: string): Promise<Row[]> {
  await exportEvents({ store, folder });
  const answers = await openAnswers(folder, { temporaryFolder: join(root, 'spill') });
  try {
    return await ask(answers, name);
  } finally {
    answers.close();
  }
}

async function storeWith(events: Iterable<Parameters<ReportingStore['apply']>[0]>): Promise<ReportingStore> {
  const store = await openStore('sqlite::memory:');
  for (const event of events) await store.apply(event);
  return store;
}

const answer = async (name: string, ...events: Parameters<ReportingStore['apply']>[0][]) => {
  const store = await storeWith(events);
  try {
    return await answerOf(store, newFolder(), name);
  } finally {
    await store.close();
  }
};

describe('over a generated year', () => {
  let store: ReportingStore;
  const folder = () => join(root, 'year');
  beforeAll(async () => {
    store = await storeWith(generateYear({ seed: 1, customers: 120, usagePerMonth: 4 }));
  }, 60_000);
  afterAll(() => store.close());

  /** Returns the running figures as rows, sorted by columns: a report sorts `pro-usd/USD` before `pro/EUR`. */
  async function runningRevenue(): Promise<Row[]> {
    const rows = (await Array.fromAsync(revenue(store, { by: 'month' }))).map((row) => ({
      month: row.period,
      plan_id: row.planId,
      currency: row.currency,
      paid: BigInt(row.paid),
      refunded: BigInt(row.refunded),
      net: BigInt(row.net),
    }));
    const keyOf = (row: (typeof rows)[number]) => `${row.month} ${row.plan_id} ${row.currency}`;
    return rows.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  /** Adds up all months. */
  const recurringToday = (rows: Row[]) => {
    const totals = Map.groupBy(rows, ({ currency }) => currency);
    return [...totals].map(([currency, months]) => ({
      currency,
      active: months.reduce((sum, { active }) => sum + Number(active), 0),
      monthlyRevenue: months.reduce((sum, { net }) => sum + Number(net), 0),
    }));
  };
  const runningRecurring = async () => {
    const rows = await Array.fromAsync(recurring(store));
    return ['EUR', 'USD'].map((currency) => {
      const own = rows.filter((row) => row.currency === currency);
      return {
        currency,
        active: own.reduce((sum, { active }) => sum + active, 0),
        monthlyRevenue: own.reduce((sum, { monthlyRevenue }) => sum + monthlyRevenue, 0),
      };
    });
  };

  it('revenue by month is that of the running figures, to the cent', async () => {
    const rows = await answerOf(store, folder(), 'revenue-by-month');
    expect(rows.length).toBeGreaterThan(40);
    expect(rows).toEqual(await runningRevenue());
  });

  it('the changes of recurring revenue add up to the running figures', async () => {
    const rows = await answerOf(store, folder(), 'churn');
    expect(rows.length).toBeGreaterThan(20);
    expect(recurringToday(rows)).toEqual(await runningRecurring());
  });

  it('a late payment and a late change of a subscription change both alike', async () => {
    const before = await answerOf(store, folder(), 'revenue-by-month');
    await store.apply(paid({ planId: 'pro', amount: 12_345, at: '2025-02-28T23:59:59.999Z' }));
    await store.apply(started({ subscriptionId: 'late', price: 777, at: '2025-01-01T00:00:00Z' }));
    const after = await answerOf(store, folder(), 'revenue-by-month');
    expect(after).not.toEqual(before);
    expect(after).toEqual(await runningRevenue());
    expect(recurringToday(await answerOf(store, folder(), 'churn'))).toEqual(await runningRecurring());
  });

  it.each(loadQuestions().map(({ name }) => name))('%s has an answer', async (name) => {
    expect((await answerOf(store, folder(), name)).length).toBeGreaterThan(0);
  });
});

describe('an answer', () => {
  it('is empty if there are no events', async () => {
    for (const { name } of loadQuestions()) expect(await answer(name)).toEqual([]);
  });

  it('about cohorts counts who paid, in each month since they signed up', async () => {
    const rows = await answer(
      'cohorts',
      signedUp({ userId: 'u1', at: '2025-12-01T00:00:00Z' }),
      signedUp({ userId: 'u2', at: '2025-12-02T00:00:00Z' }),
      started({ userId: 'u1', subscriptionId: 's1', at: '2025-12-03T00:00:00Z' }),
      paid({ subscriptionId: 's1', amount: 500, at: '2025-12-31T00:00:00Z' }),
      paid({ subscriptionId: 's1', amount: 700, at: '2026-02-01T00:00:00Z' }),
      refunded({ subscriptionId: 's1', amount: 200, at: '2026-02-02T00:00:00Z' }),
    );
    const shared = { cohort: '2025-12', currency: 'EUR', members: 2n, paying: 1n };
    expect(rows).toEqual([
      { ...shared, months_since: 0n, net: 500n },
      { ...shared, months_since: 2n, net: 500n },
    ]);
  });

  it('about churn tells larger, smaller and ended subscriptions apart', async () => {
    const subscription = { subscriptionId: 's1', currency: 'EUR' };
    const [row, ...others] = await answer(
      'churn',
      started({ ...subscription, version: 1, price: 1_000 }),
      changed({ ...subscription, version: 2, price: 5_000 }),
      changed({ ...subscription, version: 3, price: 2_000 }),
      started({ subscriptionId: 's2', version: 1, price: 300 }),
    );
    expect(row).toMatchObject({ started: 2n, ended: 0n, active: 2n });
    expect(row).toMatchObject({
      new: 1_300n,
      expansion: 4_000n,
      contraction: -3_000n,
      churn: 0n,
      net: 2_300n,
    });
    expect(others).toEqual([]);
  });

  it('about cheaper plans prices usage as an invoice does', async () => {
    const at = '2026-03-05T00:00:00Z';
    const rows = await answer(
      'cheaper-plans',
      started({ planId: 'free', price: 0, currency: 'EUR', at }),
      used({ metric: 'api_calls', quantity: 30_005, at }),
    );
    // Free: 29,005 × 100 / 1,000 = 2,900.5. Starter: 1,900 + 20,005 × 60 / 1,000 = 1,900 + 1,200.3.
    expect(rows).toEqual([]);
    const [row] = await answer(
      'cheaper-plans',
      started({ planId: 'free', price: 0, currency: 'EUR', at }),
      used({ metric: 'api_calls', quantity: 60_005, at }),
    );
    expect(row).toMatchObject({ present_price: 5_901n, cheapest_plan_id: 'starter', cheapest_price: 4_900n });
    expect(row).toMatchObject({ saving: 1_001n });
  });

  it('about usage has percentiles by nearest rank', async () => {
    const quantities = Array.from({ length: 10 }, (_, n) => (n + 1) * 10);
    const rows = await answer(
      'usage-percentiles',
      ...quantities.flatMap((quantity) => [
        started({ subscriptionId: `s${quantity}` }),
        used({ subscriptionId: `s${quantity}`, quantity }),
      ]),
    );
    expect(rows).toMatchObject([{ subscription_months: 10n, p50: 50n, p90: 90n, p99: 100n, largest: 100n }]);
  });

  it('about top movers has those who stopped, too', async () => {
    const usage = (subscriptionId: string, quantity: number, month: number) =>
      used({ subscriptionId, quantity, at: `2026-0${month}-05T00:00:00Z` });
    const rows = await answer('top-movers', usage('a', 50, 1), usage('b', 10, 1), usage('b', 90, 2));
    expect(rows).toMatchObject([
      { month: '2026-02', place: 1n, subscription_id: 'b', previous: 10n, present: 90n, change: 80n },
      { month: '2026-02', place: 2n, subscription_id: 'a', previous: 50n, present: 0n, change: -50n },
    ]);
  });

  it('needs an export', async () => {
    const folder = newFolder();
    await expect(openAnswers(folder, { temporaryFolder: root })).rejects.toThrow(ExportMissing);
    await expect(openAnswers(folder, { temporaryFolder: root })).rejects.toThrow(
      `There is no export in ${folder}`,
    );
  });

  it('needs every file of the export, and names one that is missing', async () => {
    const store = await storeWith([used({})]);
    const folder = newFolder();
    const { months } = await exportEvents({ store, folder });
    await store.close();
    const file = join(folder, months['2026-03']?.file ?? '');
    await rm(file);
    await expect(openAnswers(folder, { temporaryFolder: root })).rejects.toThrow(`lacks ${file}`);
  });
});
