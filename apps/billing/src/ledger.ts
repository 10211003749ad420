import type { LedgerEntry } from '@slipway/contracts/billing';
import type { Position } from '@slipway/platform/core/pagination';
import type * as aggregates from '@slipway/platform/events/aggregates';
import { sum } from './money.ts';

/**
 * Double-entry bookkeeping: a debit is positive, a credit negative, and every entry sums to zero. An entry is
 * written in the same step as the change of the invoice that causes it.
 */

/** A change of billing's aggregates; it may write ledger entries, too. */
export type Change<T extends aggregates.Aggregate> = aggregates.Change<T, WithEntries>;
export type AggregateStore<T extends aggregates.Aggregate> = aggregates.AggregateStore<T, WithEntries>;
export type WithEntries = { entries: LedgerEntry[] };

/** The balance of an account in one currency; minor units. */
export type AccountBalance = { account: string; currency: string; balance: number };

export type LedgerStore = {
  /** Returns the balance of each account and currency, sorted by account, then currency. */
  balances(): Promise<AccountBalance[]>;
  /** Returns entries in the order of their time. */
  list(limit: number, after?: Position): Promise<LedgerEntry[]>;
};

type Posting = LedgerEntry['postings'][number];

/**
 * Creates an entry of two or more postings.
 *
 * @throws {Error} if there are fewer, or they do not sum to zero: such an entry must never be written.
 */
export function ledgerEntry(facts: Omit<LedgerEntry, 'postings'>, postings: Posting[]): LedgerEntry {
  const difference = sum(postings.map(({ amount }) => amount));
  if (postings.length < 2 || difference !== 0) {
    throw new Error(`Ledger entry ${facts.id} is out of balance by ${difference} ${facts.currency}`);
  }
  return { ...facts, postings };
}

/** Returns the postings that move an amount from one account to another. */
export function transfer(amount: number, { from, to }: { from: string; to: string }): Posting[] {
  return [
    { account: to, amount },
    { account: from, amount: -amount },
  ];
}

/** Returns whether the balances of each currency sum to zero. */
export function isBalanced(accounts: AccountBalance[]): boolean {
  const currencies = new Set(accounts.map(({ currency }) => currency));
  return [...currencies].every(
    (each) => sum(accounts.filter(({ currency }) => currency === each).map(({ balance }) => balance)) === 0,
  );
}
