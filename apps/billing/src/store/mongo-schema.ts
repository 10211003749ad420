import type { MongoMigration } from '@slipway/store-mongodb/migrations';
import { createOutboxIndexes } from '@slipway/store-mongodb/outbox';

/** The collections whose documents hold events. */
export const withEvents = ['subscriptions', 'invoices', 'usage'];

/** Indexes only: a collection is made by its first document. Making an index that exists changes nothing. */
export const billingMigrations: MongoMigration[] = [
  {
    name: 'billing-1',
    async up(db) {
      await db
        .collection('subscriptions')
        .createIndexes([
          { key: { 'state.startedAt': 1, _id: 1 } },
          { key: { 'state.userId': 1, 'state.startedAt': 1, _id: 1 } },
          { key: { 'state.dueAt': 1, _id: 1 } },
        ]);
      await db
        .collection('invoices')
        .createIndexes([
          { key: { 'state.issuedAt': 1, _id: 1 } },
          { key: { 'state.userId': 1, 'state.issuedAt': 1, _id: 1 } },
          { key: { 'state.subscriptionId': 1, 'state.issuedAt': 1, _id: 1 } },
          { key: { pendingSince: 1, _id: 1 } },
          { key: { 'state.payments.id': 1 } },
          { key: { 'entries.at': 1 } },
        ]);
      await db
        .collection('usage')
        .createIndexes([
          { key: { subscriptionId: 1, number: -1 } },
          { key: { 'records.key': 1 }, unique: true },
        ]);
      for (const collection of withEvents) await createOutboxIndexes(db, collection);
    },
  },
];
