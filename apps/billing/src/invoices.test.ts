import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { invoiceIdOf, issue, pendingSince } from './invoices.ts';
import { isBalanced } from './ledger.ts';
import { planOf } from './plans.ts';
import { advance, cancel, end, start } from './subscriptions.ts';

const now = '2026-03-01T00:00:00.000Z';
const subscription = start('s1', 'u1', planOf('starter'), '2026-01-31T10:00:00.000Z').next;
const calls = (quantity: number) => [{ metric: 'api_calls', quantity, records: quantity }];
const used = (quantity: number, period = 1) => calls(quantity).map((total) => ({ period, ...total }));
const issued = (planId: string, quantity: number) =>
  issue(start('s1', 'u1', planOf(planId), '2026-01-31T10:00:00.000Z').next, used(quantity), now);
const span = { periodStart: '2026-01-31T10:00:00.000Z', periodEnd: '2026-02-28T10:00:00.000Z' };

describe('an invoice', () => {
  it('has its id from subscription and period, so that there cannot be two', () => {
    expect(invoiceIdOf(subscription)).toBe('s1.1');
    expect(issued('starter', 0).next.id).toBe('s1.1');
  });

  it('is the price of the plan and the usage beyond what is included', () => {
    const { next } = issued('starter', 12_000);
    expect(next.lines).toEqual([
      { description: 'Starter', quantity: 1, amount: 1_900, ...span },
      {
        ...{ description: 'api_calls beyond 10000 included', metric: 'api_calls' },
        ...{ quantity: 12_000, amount: 120, ...span },
      },
    ]);
    expect(next).toMatchObject({ total: 2_020, status: 'open', usage: calls(12_000), currency: 'EUR' });
    expect(next.usageByPeriod).toEqual(used(12_000));
  });

  it('shows usage that is included at no charge', () => {
    expect(issued('starter', 10_000).next.lines[1]).toMatchObject({ quantity: 10_000, amount: 0 });
    expect(issued('starter', 10_009).next.lines[1]?.amount).toBe(1); // 0.54
    expect(issued('starter', 10_008).next.lines[1]?.amount).toBe(0); // 0.48
  });

  it('is booked as owed, and told, in the same step', () => {
    const { entries, events } = issued('starter', 0);
    expect(entries).toEqual([
      {
        id: 'issued:s1.1',
        at: now,
        description: 'Invoice s1.1',
        currency: 'EUR',
        postings: [
          { account: 'receivable', amount: 1_900 },
          { account: 'revenue:starter', amount: -1_900 },
        ],
      },
    ]);
    expect(events).toMatchObject([
      {
        id: 'invoice.issued:s1.1',
        data: { invoiceId: 's1.1', amount: 1_900, planId: 'starter', currency: 'EUR', ...span },
      },
    ]);
  });

  it('of nothing is paid from the beginning and books nothing', () => {
    const { next, entries, events } = issued('free', 1_000);
    expect(next).toMatchObject({ total: 0, status: 'paid' });
    expect(entries).toEqual([]);
    expect(events).toHaveLength(1);
  });

  it('ends with the subscription if that ended first, for the full price', () => {
    const ended = end(subscription, '2026-02-02T00:00:00.000Z')?.next ?? subscription;
    const { next } = issue(ended, [], now);
    expect(next).toMatchObject({ periodEnd: '2026-02-02T00:00:00.000Z', total: 1_900 });
  });

  it('ends with its period if the subscription ends later', () => {
    const cancelled = cancel(subscription, '2026-03-10T00:00:00.000Z')?.next ?? subscription;
    expect(issue(cancelled, [], now).next).toMatchObject(span);
  });

  it('bills a quantity of which no record is left to bill', () => {
    const rest = [{ period: 1, metric: 'api_calls', quantity: 11_000, records: 0 }];
    expect(issue(subscription, rest, now).next).toMatchObject({ total: 1_960, usageByPeriod: rest });
  });

  it('has a line for late usage of each earlier period, priced by what that period had used before', () => {
    const first = issue(subscription, used(9_000), now).next;
    const second = advance(subscription, first, now).next;
    const { lines, usage } = issue(second, [...used(12_000), ...used(9_000, 2)], now).next;
    const spanOfSecond = { periodStart: span.periodEnd, periodEnd: '2026-03-31T10:00:00.000Z' };
    expect(lines).toMatchObject([
      { amount: 1_900, ...spanOfSecond },
      { quantity: 9_000, amount: 0, ...spanOfSecond },
      { quantity: 3_000, amount: 120, ...span },
    ]);
    expect(usage).toMatchObject([{ quantity: 12_000 }]);
  });

  it('rounds a period once, however often its usage arrives late', () => {
    let present = subscription;
    let amount = 0;
    for (let quantity = 10_000; quantity <= 10_030; quantity += 5) {
      const { next } = issue(present, used(quantity), now);
      amount += next.lines.filter(({ metric }) => metric).reduce((sum, line) => sum + line.amount, 0);
      present = advance(present, next, now).next;
    }
    expect(amount).toBe(2); // 1.8 cents
  });

  it('of an ended subscription has no price, only usage that arrived late', () => {
    const cancelled = cancel(subscription, '2026-02-02T00:00:00.000Z')?.next ?? subscription;
    const ended = advance(cancelled, issue(cancelled, [], now).next, now).next;
    const { next } = issue(ended, used(20_000), now);
    expect(next).toMatchObject({ id: 's1.2', planId: 'starter', total: 600, ...span });
    expect(next.lines).toMatchObject([{ metric: 'api_calls', amount: 600, ...span }]);
  });

  it('leaves usage that the plan does not meter unbilled', () => {
    const usage = [{ period: 1, metric: 'unheard_of', quantity: 5, records: 1 }];
    expect(issue(subscription, usage, now).next).toMatchObject({
      usage: [],
      total: 1_900,
    });
  });

  it('sums to its lines and balances, whatever was used', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000_000_000 }), (quantity) => {
        const { next, entries } = issued('pro', quantity);
        expect(next.total).toBe(next.lines.reduce((total, { amount }) => total + amount, 0));
        const balances = entries.flatMap(({ postings, currency }) =>
          postings.map(({ account, amount }) => ({ account, currency, balance: amount })),
        );
        expect(isBalanced(balances)).toBe(true);
      }),
    );
  });

  it('waits for nothing as long as nobody pays', () => {
    expect(pendingSince(issued('starter', 0).next)).toBeUndefined();
  });
});
