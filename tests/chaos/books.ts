/** The invariant after any chaos: everything acknowledged to customers has happened exactly once, and nothing else. */
import { getTrialBalance, listInvoices } from '@slipway/contracts/billing';
import { getRevenue, getSignUps, getTopUsage, listDeadLetters, rebuild } from '@slipway/contracts/reporting';
import { expect } from 'vitest';
import { ok } from '../support/http.ts';
import { eventually } from '../support/people.ts';
import { persist } from '../support/persist.ts';
import type { Acknowledged } from './customers.ts';

/** Every customer was charged once for what was used, and the ledger agrees to the cent. */
export async function expectBooksToBalance(base: string, token: string, told: Acknowledged[]): Promise<void> {
  const invoices = await all((query) =>
    ok(base, listInvoices, { query: { ...query, all: true } }, { token }),
  );
  const paid = invoices.filter(({ status }) => status === 'paid').map(({ id }) => id);
  expect(paid.sort()).toEqual(told.map(({ invoiceId }) => invoiceId).sort());
  const { balanced, accounts } = await ok(base, getTrialBalance, {}, { token });
  expect(balanced).toBe(true);
  const cash = accounts.find(({ account }) => account === 'cash')?.balance;
  expect(Math.abs(cash ?? 0)).toBe(sum(told, 'paid') - sum(told, 'refunded'));
}

/** Every event was counted once, none was rejected, and counting again from the beginning gives the same. */
export async function expectReportsToAgree(base: string, token: string, told: Acknowledged[]): Promise<void> {
  const expected = {
    paid: sum(told, 'paid'),
    refunded: sum(told, 'refunded'),
    // The first administrator has signed up, too.
    signedUp: told.length + 1,
    usage: sum(told.slice(0, listed), 'usage'),
  };
  const reported = await eventually('all that happened is reported', async () => {
    const found = await reportedTotals(base, token);
    return Object.keys(expected).every((name) => found[name as Total] >= expected[name as Total]) && found;
  });
  expect(reported).toEqual(expected);
  const sent = new Map(told.map(({ subscriptionId, usage }) => [subscriptionId, usage]));
  for (const { subscriptionId, quantity } of await usageRows(base, token)) {
    expect({ subscriptionId, quantity }).toEqual({ subscriptionId, quantity: sent.get(subscriptionId) });
  }
  expect((await ok(base, listDeadLetters, {}, { token })).items).toEqual([]);
  expect(await ok(base, rebuild, {}, { token })).toMatchObject({ equal: true });
}

type Total = 'paid' | 'refunded' | 'signedUp' | 'usage';

async function reportedTotals(base: string, token: string): Promise<Record<Total, number>> {
  const revenue = (await persist(base, getRevenue, { query: { by: 'month' } }, { token })).body.items;
  const signUps = (await persist(base, getSignUps, {}, { token })).body.items;
  return {
    paid: sum(revenue, 'paid'),
    refunded: sum(revenue, 'refunded'),
    signedUp: sum(signUps, 'signedUp'),
    usage: sum(await usageRows(base, token), 'quantity'),
  };
}

/** The most subscriptions that the report lists. All customers use the same, so it does not matter which. */
const listed = 200;

async function usageRows(base: string, token: string) {
  const top = { query: { metric: 'api_calls', limit: listed } };
  return (await persist(base, getTopUsage, top, { token })).body.items;
}

function sum<Name extends string>(rows: Record<Name, number>[], name: Name): number {
  return rows.reduce((total, row) => total + row[name], 0);
}

/** Reads every page of a list. */
async function all<T>(
  page: (query: { cursor?: string; limit: number }) => Promise<{ items: T[]; next?: string }>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const { items: more, next } = await page({ limit: 200, ...(cursor && { cursor }) });
    items.push(...more);
    cursor = next;
  } while (cursor);
  return items;
}
