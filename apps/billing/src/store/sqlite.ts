import { openSqlite } from '@slipway/store-sqlite/database';
import { idempotencyMigration, sqliteIdempotency } from '@slipway/store-sqlite/idempotency';
import { nonBlocking } from '@slipway/store-sqlite/non-blocking';
import { outboxMigration, sqliteOutbox } from '@slipway/store-sqlite/outbox';
import { billingMigrations } from './schema.ts';
import { sqliteInvoices } from './sqlite-invoices.ts';
import { sqliteLedger } from './sqlite-ledger.ts';
import { sqliteSubscriptions } from './sqlite-subscriptions.ts';
import { sqliteUsage } from './sqlite-usage.ts';

/** Billing on an embedded database. @throws {StartError} if the database cannot be used. */
export function openSqliteStore(url: string) {
  const db = openSqlite(url, [...billingMigrations, outboxMigration, idempotencyMigration]);
  const outbox = sqliteOutbox(db);
  const ledger = sqliteLedger(db);
  return nonBlocking(db, {
    subscriptions: sqliteSubscriptions(db, outbox),
    usage: sqliteUsage(db, outbox),
    invoices: sqliteInvoices(db, outbox, ledger),
    ledger,
    outbox,
    idempotency: sqliteIdempotency(db),
    async ping() {
      db.prepare('SELECT 1').get();
    },
    async close() {
      db.close();
    },
  });
}
