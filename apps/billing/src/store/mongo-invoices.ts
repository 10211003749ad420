import type { LedgerEntry } from '@slipway/contracts/billing';
import type { MongoStore } from '@slipway/store-mongodb/database';
import type { MongoOutbox } from '@slipway/store-mongodb/outbox';
import { type Invoice, type InvoiceStore, pendingSince } from '../invoices.ts';
import { type Kept, mongoAggregates, readPage } from './mongo-aggregates.ts';

/** An invoice with all that its payments and refunds have caused. */
export type KeptInvoice = Kept<Invoice> & {
  /** When its oldest payment or refund that is pending was begun. */
  pendingSince: string | null;
  entries: LedgerEntry[];
};

export function mongoInvoices(store: MongoStore, outbox: MongoOutbox): InvoiceStore {
  const name = 'invoices';
  const collection = store.collection<KeptInvoice>(name);
  const aggregates = mongoAggregates<Invoice>({
    store,
    name,
    outbox,
    writeAlong: ({ next, entries }) => ({
      set: { pendingSince: pendingSince(next) ?? null },
      push: { entries },
    }),
  });
  return {
    ...aggregates,
    async byPayment(paymentId) {
      const found = await store.command((options) =>
        collection.findOne({ 'state.payments.id': paymentId }, options),
      );
      return found?.state;
    },
    async list({ userId, status, subscriptionId }, limit, after) {
      const where = {
        'state.userId': userId,
        'state.status': status,
        'state.subscriptionId': subscriptionId,
      };
      return readPage(store, { name, where, by: 'state.issuedAt', order: 'descending', limit, after });
    },
    async unsettled(before, limit, after) {
      return readPage(store, {
        name,
        by: 'pendingSince',
        until: before,
        order: 'ascending',
        limit,
        after,
      });
    },
  };
}
