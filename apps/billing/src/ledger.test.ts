import { describe, expect, it } from 'vitest';
import { isBalanced, ledgerEntry, transfer } from './ledger.ts';

const facts = { id: 'e1', at: '2026-01-01T00:00:00.000Z', description: 'Test', currency: 'EUR' };

describe('a ledger entry', () => {
  it('takes a transfer: what one account gains another loses', () => {
    const { postings } = ledgerEntry(facts, transfer(500, { from: 'receivable', to: 'cash' }));
    expect(postings).toEqual([
      { account: 'cash', amount: 500 },
      { account: 'receivable', amount: -500 },
    ]);
  });

  it('is refused if it is out of balance, by however little', () => {
    for (const amount of [1, -1]) {
      const postings = [...transfer(500, { from: 'a', to: 'b' }), { account: 'c', amount }];
      expect(() => ledgerEntry(facts, postings)).toThrow(`out of balance by ${amount} EUR`);
    }
  });

  it('is refused if it moves nothing', () => {
    expect(() => ledgerEntry(facts, [])).toThrow('Ledger entry e1 is out of balance by 0 EUR');
    expect(() => ledgerEntry(facts, [{ account: 'cash', amount: 0 }])).toThrow('out of balance');
  });
});

describe('a trial balance', () => {
  const row = (account: string, currency: string, balance: number) => ({ account, currency, balance });

  it('is balanced if each currency sums to zero', () => {
    expect(isBalanced([])).toBe(true);
    expect(
      isBalanced([row('a', 'EUR', 5), row('b', 'EUR', -5), row('a', 'USD', 2), row('b', 'USD', -2)]),
    ).toBe(true);
  });

  it('is not balanced if a currency sums to something else', () => {
    expect(isBalanced([row('a', 'EUR', 5), row('b', 'EUR', -4)])).toBe(false);
  });

  it('is not balanced if currencies only make up for each other', () => {
    expect(isBalanced([row('a', 'EUR', 5), row('a', 'USD', -5)])).toBe(false);
  });
});
