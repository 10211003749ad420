import { openSqlite } from '@slipway/store-sqlite/database';
import { idempotencyMigration, sqliteIdempotency } from '@slipway/store-sqlite/idempotency';
import { outboxMigration, sqliteOutbox } from '@slipway/store-sqlite/outbox';
import { readEarlier } from '../subscription-versions.ts';
import { billingMigrations } from './schema.ts';
import { sqliteClosedAccounts } from './sqlite-closed-accounts.ts';
import { sqliteInvoices } from './sqlite-invoices.ts';
import { sqliteLedger } from './sqlite-ledger.ts';
import { sqliteSubscriptions } from './sqlite-subscriptions.ts';
import { sqliteUsage } from './sqlite-usage.ts';

/** Billing on an embedded database. @throws {StartError} if the database cannot be used. */
export function openSqliteStore(url: string) {
  const db = openSqlite(url, [...billingMigrations, outboxMigration, idempotencyMigration]);
  const outbox = sqliteOutbox(db);
  const ledger = sqliteLedger(db);
  return {
    subscriptions: readEarlier(sqliteSubscriptions(db, outbox)),
    usage: sqliteUsage(db, outbox),
    invoices: sqliteInvoices(db, outbox, ledger),
    ledger,
    closedAccounts: sqliteClosedAccounts(db),
    outbox,
    idempotency: sqliteIdempotency(db),
    async ping() {
      db.prepare('SELECT 1').get();
    },
    async close() {
      db.close();
    },
  };
}
