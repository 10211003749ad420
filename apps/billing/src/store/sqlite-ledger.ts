import type { DatabaseSync } from 'node:sqlite';
import type { LedgerEntry } from '@slipway/contracts/billing';
import { synchronous } from '@slipway/platform/core/synchronous';
import type { LedgerStore } from '../ledger.ts';
import { toSafeNumber } from '../money.ts';
import { readPage } from './sqlite-aggregates.ts';

export type SqliteLedger = LedgerStore & {
  /** Writes entries; call it inside of the transaction that writes what causes them. */
  add(entries: LedgerEntry[]): void;
};

export function sqliteLedger(db: DatabaseSync): SqliteLedger {
  const addEntry = db.prepare('INSERT INTO entries VALUES (?, ?, ?)');
  const addPosting = db.prepare('INSERT INTO postings VALUES (?, ?, ?, ?)');
  const balances = db.prepare(
    `SELECT account, currency, sum(amount) AS balance FROM postings
     GROUP BY account, currency ORDER BY account, currency`,
  );
  balances.setReadBigInts(true);

  return {
    add: synchronous((entries: LedgerEntry[]) => {
      for (const entry of entries) {
        addEntry.run(entry.id, entry.at, JSON.stringify(entry));
        for (const { account, amount } of entry.postings) {
          addPosting.run(entry.id, account, entry.currency, amount);
        }
      }
    }),
    async balances() {
      return balances.all().map(({ account, currency, balance }) => ({
        account: String(account),
        currency: String(currency),
        balance: toSafeNumber(BigInt(String(balance))),
      }));
    },
    async list(limit, after) {
      return readPage(db, { table: 'entries', by: 'at', order: 'ASC', limit, after });
    },
  };
}
