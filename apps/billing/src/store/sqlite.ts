import type { DatabaseSync } from 'node:sqlite';
import type { LedgerEntry } from '@slipway/contracts/billing';
import { readPage, sqliteAggregates } from '@slipway/store-sqlite/aggregates';
import { openSqlite } from '@slipway/store-sqlite/database';
import { idempotencyMigrations, sqliteIdempotency } from '@slipway/store-sqlite/idempotency';
import { jobsMigration, sqliteJobs } from '@slipway/store-sqlite/jobs';
import { nonBlocking } from '@slipway/store-sqlite/lock-retries';
import { outboxMigration, type SqliteOutbox, sqliteOutbox } from '@slipway/store-sqlite/outbox';
import { type Invoice, type InvoiceStore, pendingSince } from '../invoices.ts';
import type { Change, LedgerStore, WithEntries } from '../ledger.ts';
import { toSafeNumber } from '../money.ts';
import { readEarlier } from '../subscription-versions.ts';
import type { Subscription, SubscriptionStore } from '../subscriptions.ts';
import { sqliteClosedAccounts } from './sqlite-closed-accounts.ts';
import { billingMigrations } from './sqlite-schema.ts';
import { sqliteUsage } from './sqlite-usage.ts';
import type { BillingStore } from './store.ts';

/**
 * Opens billing's embedded store.
 *
 * @throws {StartError} if the database cannot be used
 */
export function openSqliteStore(url: string): BillingStore {
  const db = openSqlite(url, [
    ...billingMigrations,
    outboxMigration,
    ...idempotencyMigrations,
    jobsMigration,
  ]);
  const outbox = sqliteOutbox(db);
  const ping = db.prepare('SELECT 1');
  return nonBlocking(db, {
    subscriptions: readEarlier(sqliteSubscriptions(db, outbox)),
    usage: sqliteUsage(db, outbox),
    invoices: sqliteInvoices(db, outbox, ledgerWriter(db)),
    ledger: sqliteLedger(db),
    closedAccounts: sqliteClosedAccounts(db),
    outbox,
    idempotency: sqliteIdempotency(db),
    jobs: sqliteJobs(db, outbox),
    async ping() {
      ping.get();
    },
    async close() {
      db.close();
    },
  });
}

function sqliteSubscriptions(db: DatabaseSync, outbox: SqliteOutbox): SubscriptionStore {
  const table = 'subscriptions';
  const find = db.prepare('SELECT doc FROM subscriptions WHERE id IN (SELECT value FROM json_each(?))');
  return {
    ...sqliteAggregates<Subscription, WithEntries>({ db, table, outbox }),
    async find(ids) {
      return find.all(JSON.stringify(ids)).map(({ doc }) => JSON.parse(String(doc)) as Subscription);
    },
    async list({ userId, status }, limit, after) {
      const where = { user_id: userId, status };
      return readPage(db, { table, where, by: 'started_at', order: 'DESC', limit, after });
    },
    async due(asOf, limit, after) {
      return readPage(db, { table, by: 'due_at', until: asOf, order: 'ASC', limit, after });
    },
  };
}

type WriteEntries = (entries: LedgerEntry[]) => void;

function sqliteInvoices(db: DatabaseSync, outbox: SqliteOutbox, writeEntries: WriteEntries): InvoiceStore {
  const table = 'invoices';
  const setPending = db.prepare('UPDATE invoices SET pending_since = ? WHERE id = ?');
  const addPayment = db.prepare('INSERT INTO payments VALUES (?, ?) ON CONFLICT (id) DO NOTHING');
  const invoiceOf = db.prepare('SELECT invoice_id AS id FROM payments WHERE id = ?');

  const writeAlso = ({ next, entries }: Change<Invoice>) => {
    setPending.run(pendingSince(next) ?? null, next.id);
    for (const { id } of next.payments) addPayment.run(id, next.id);
    writeEntries(entries);
  };
  const aggregates = sqliteAggregates<Invoice, WithEntries>({ db, table, outbox, writeAlso });

  return {
    ...aggregates,
    async byPayment(paymentId) {
      const row = invoiceOf.get(paymentId);
      return row && aggregates.get(String(row.id));
    },
    async list({ userId, status, subscriptionId }, limit, after) {
      const where = { user_id: userId, status, subscription_id: subscriptionId };
      return readPage(db, { table, where, by: 'issued_at', order: 'DESC', limit, after });
    },
    async unsettled(before, limit, after) {
      return readPage(db, { table, by: 'pending_since', until: before, order: 'ASC', limit, after });
    },
  };
}

function sqliteLedger(db: DatabaseSync): LedgerStore {
  const balances = db.prepare(
    `SELECT account, currency, sum(amount) AS balance FROM postings
     GROUP BY account, currency ORDER BY account, currency`,
  );
  balances.setReadBigInts(true);
  return {
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

/** Creates the function that writes ledger entries. Call it in the transaction that writes the cause of the entries. */
function ledgerWriter(db: DatabaseSync): WriteEntries {
  const addEntry = db.prepare('INSERT INTO entries VALUES (?, ?, ?)');
  const addPosting = db.prepare('INSERT INTO postings VALUES (?, ?, ?, ?)');
  return (entries) => {
    for (const entry of entries) {
      addEntry.run(entry.id, entry.at, JSON.stringify(entry));
      for (const { account, amount } of entry.postings) {
        addPosting.run(entry.id, account, entry.currency, amount);
      }
    }
  };
}
