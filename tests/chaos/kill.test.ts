import { getTrialBalance, listInvoices } from '@slipway/contracts/billing';
import {
  getRevenue,
  getSignUps,
  getTopUsage,
  listRefusedEvents,
  rebuild,
} from '@slipway/contracts/reporting';
import { logIn } from '@slipway/contracts/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ok } from '../support/http.ts';
import { eventually } from '../support/people.ts';
import { persist } from '../support/persist.ts';
import { type System, startSystem } from '../support/system.ts';
import { type Acknowledged, playCustomer } from './customer.ts';

const victims = [
  'users',
  'billing',
  'reporting',
  'gateway',
  'billing',
  'users',
  'billing',
  'reporting',
] as const;
const asOf = new Date(Date.now() + 32 * 86_400_000).toISOString();

describe('services that are killed at any moment', () => {
  let system: System;
  let admin: string;
  const told: Acknowledged[] = [];

  beforeAll(async () => {
    system = await startSystem({
      env: { RATE_LIMIT: '1000000', RATE_LIMIT_SIGN_IN: '1000000' },
    });
    admin = (await ok(system.base, logIn, { body: system.admin })).accessToken;
  });
  afterAll(() => system.stop());

  it('answer every customer in the end', { timeout: 150_000 }, async () => {
    let killing = true;
    const customers = async () => {
      while (killing) told.push(await playCustomer(system.base, admin, asOf));
    };
    const kill = async () => {
      for (const victim of victims) {
        await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 900));
        await system.services[victim].kill('SIGKILL');
        await system.services[victim].start();
      }
      killing = false;
    };
    await Promise.all([kill(), customers(), customers(), customers()]);
    expect(told.length).toBeGreaterThanOrEqual(3);
  });

  it('have charged every customer once, and the ledger balances', async () => {
    const invoices = await all((query) =>
      ok(system.base, listInvoices, { query: { ...query, all: true } }, { token: admin }),
    );
    expect(
      invoices
        .filter(({ status }) => status === 'paid')
        .map(({ id }) => id)
        .sort(),
    ).toEqual(told.map(({ invoiceId }) => invoiceId).sort());
    const { balanced, accounts } = await ok(system.base, getTrialBalance, {}, { token: admin });
    expect(balanced).toBe(true);
    const cash = accounts.find(({ account }) => account === 'cash')?.balance;
    expect(Math.abs(cash ?? 0)).toBe(sum('paid') - sum('refunded'));
  });

  it('have counted everything once, and counting again gives the same', async () => {
    const revenue = await eventually('all payments and refunds are reported', async () => {
      const { items } = (await persist(system.base, getRevenue, { query: { by: 'month' } }, { token: admin }))
        .body;
      const total = { paid: 0, refunded: 0 };
      for (const { paid, refunded } of items) {
        total.paid += paid;
        total.refunded += refunded;
      }
      return total.refunded >= sum('refunded') && total;
    });
    expect(revenue).toEqual({ paid: sum('paid'), refunded: sum('refunded') });

    const { items: signUps } = await ok(system.base, getSignUps, {}, { token: admin });
    // The first administrator has signed up, too.
    expect(signUps.reduce((total, { signedUp }) => total + signedUp, 0)).toBe(told.length + 1);
    const top = { query: { metric: 'api_calls', limit: 200 } };
    const { items: usage } = await ok(system.base, getTopUsage, top, { token: admin });
    expect(usage.map(({ subscriptionId, quantity }) => [subscriptionId, quantity]).sort()).toEqual(
      told.map((each) => [each.subscriptionId, each.usage]).sort(),
    );
    expect((await ok(system.base, listRefusedEvents, {}, { token: admin })).items).toEqual([]);
    expect(await ok(system.base, rebuild, {}, { token: admin })).toMatchObject({ equal: true });
  });

  const sum = (name: 'paid' | 'refunded') => told.reduce((total, each) => total + each[name], 0);
});

/** Reads every page of a list. */
async function all<T>(
  page: (query: { cursor?: string; limit: number }) => Promise<{ items: T[]; next?: string }>,
) {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const { items: more, next } = await page({ limit: 200, ...(cursor && { cursor }) });
    items.push(...more);
    cursor = next;
  } while (cursor);
  return items;
}
