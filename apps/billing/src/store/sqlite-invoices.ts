import type { DatabaseSync } from 'node:sqlite';
import type { SqliteOutbox } from '@slipway/store-sqlite/outbox';
import type { Change } from '../change.ts';
import { type Invoice, type InvoiceStore, pendingSince } from '../invoices.ts';
import { readPage, sqliteAggregates } from './sqlite-aggregates.ts';
import type { SqliteLedger } from './sqlite-ledger.ts';

export function sqliteInvoices(db: DatabaseSync, outbox: SqliteOutbox, ledger: SqliteLedger): InvoiceStore {
  const table = 'invoices';
  const markPending = db.prepare('UPDATE invoices SET pending_since = ? WHERE id = ?');
  const addPayment = db.prepare('INSERT INTO payments VALUES (?, ?) ON CONFLICT (id) DO NOTHING');
  const invoiceOf = db.prepare('SELECT invoice_id AS id FROM payments WHERE id = ?');

  const writeAlong = ({ next, entries }: Change<Invoice>) => {
    markPending.run(pendingSince(next) ?? null, next.id);
    for (const { id } of next.payments) addPayment.run(id, next.id);
    ledger.add(entries);
  };
  const aggregates = sqliteAggregates<Invoice>({ db, table, outbox, writeAlong });

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
