import type { LedgerEntry } from '@slipway/contracts/billing';
import { mongoAggregates, readPage } from '@slipway/store-mongodb/aggregates';
import { type MongoStore, openMongo } from '@slipway/store-mongodb/database';
import { mongoIdempotency, mongoIdempotencyMigrations } from '@slipway/store-mongodb/idempotency';
import { jobsCollection, mongoJobs, mongoJobsMigration } from '@slipway/store-mongodb/jobs';
import type { MongoMigration } from '@slipway/store-mongodb/migrations';
import { createOutboxIndexes, type MongoOutbox, mongoOutbox } from '@slipway/store-mongodb/outbox';
import { type Invoice, type InvoiceStore, pendingSince } from '../invoices.ts';
import type { LedgerStore, WithEntries } from '../ledger.ts';
import { toSafeNumber } from '../money.ts';
import { readEarlier } from '../subscription-versions.ts';
import type { Subscription, SubscriptionStore } from '../subscriptions.ts';
import { mongoClosedAccounts } from './mongodb-closed-accounts.ts';
import { mongoUsage } from './mongodb-usage.ts';
import type { BillingStore } from './store.ts';

/** The collections whose documents hold events. */
export const withEvents = ['subscriptions', 'invoices', 'usage'];

/** Creates indexes only: the first document creates its collection. Creating an index that exists changes nothing. */
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

/**
 * Opens billing's store on a MongoDB server.
 *
 * @throws {StartError} if the server cannot be used
 */
export async function openMongoStore(url: string): Promise<BillingStore> {
  const store = await openMongo(url, [
    ...billingMigrations,
    ...mongoIdempotencyMigrations,
    mongoJobsMigration,
  ]);
  const outbox = mongoOutbox(store, [...withEvents, jobsCollection]);
  return {
    subscriptions: readEarlier(mongoSubscriptions(store, outbox)),
    usage: mongoUsage(store, outbox),
    invoices: mongoInvoices(store, outbox),
    ledger: mongoLedger(store),
    closedAccounts: mongoClosedAccounts(store),
    outbox,
    idempotency: mongoIdempotency(store),
    jobs: mongoJobs(store, outbox),
    server: 'mongodb',
    ping: store.ping,
    connections: store.connections,
    close: store.close,
  };
}

function mongoSubscriptions(store: MongoStore, outbox: MongoOutbox): SubscriptionStore {
  const collection = 'subscriptions';
  const subscriptions = store.collection<{ _id: string; state: Subscription }>(collection);
  return {
    ...mongoAggregates<Subscription, WithEntries>({ store, collection, outbox }),
    async find(ids) {
      const found = await store.command((options) =>
        subscriptions.find({ _id: { $in: ids } }, { ...options, projection: { state: 1 } }).toArray(),
      );
      return found.map(({ state }) => state);
    },
    async list({ userId, status }, limit, after) {
      const where = { 'state.userId': userId, 'state.status': status };
      return readPage(store, { collection, where, by: 'state.startedAt', order: 'descending', limit, after });
    },
    async due(asOf, limit, after) {
      return readPage(store, {
        ...{ collection, by: 'state.dueAt', until: asOf, order: 'ascending' },
        ...{ limit, after },
      });
    },
  };
}

/** An invoice, with the ledger entries that it, its payments and its refunds have caused. */
type StoredInvoice = { _id: string; state: Invoice; pendingSince: string | null; entries: LedgerEntry[] };

function mongoInvoices(store: MongoStore, outbox: MongoOutbox): InvoiceStore {
  const collection = 'invoices';
  const invoices = store.collection<StoredInvoice>(collection);
  return {
    ...mongoAggregates<Invoice, WithEntries>({
      store,
      collection,
      outbox,
      writeAlso: ({ next, entries }) => ({
        set: { pendingSince: pendingSince(next) ?? null },
        push: { entries },
      }),
    }),
    async byPayment(paymentId) {
      const found = await store.command((options) =>
        invoices.findOne({ 'state.payments.id': paymentId }, { ...options, projection: { state: 1 } }),
      );
      return found?.state;
    },
    async list({ userId, status, subscriptionId }, limit, after) {
      const where = {
        'state.userId': userId,
        'state.status': status,
        'state.subscriptionId': subscriptionId,
      };
      return readPage(store, { collection, where, by: 'state.issuedAt', order: 'descending', limit, after });
    },
    async unsettled(before, limit, after) {
      return readPage(store, {
        ...{ collection, by: 'pendingSince', until: before, order: 'ascending' },
        ...{ limit, after },
      });
    },
  };
}

/** Reads the ledger from the invoices, whose documents hold its entries. */
function mongoLedger(store: MongoStore): LedgerStore {
  const invoices = store.collection<StoredInvoice>('invoices');
  return {
    async balances() {
      const found = await store.command((options) => invoices.aggregate(sumByAccount, options).toArray());
      return found.map(({ _id: { account, currency }, balance }) => ({
        account: String(account),
        currency: String(currency),
        balance: toSafeNumber(BigInt(String(balance))),
      }));
    },
    async list(limit, after = { at: '', id: '' }) {
      const { at, id } = after;
      const pipeline = [
        { $match: { 'entries.at': { $gte: at } } },
        { $unwind: '$entries' },
        { $replaceRoot: { newRoot: '$entries' } },
        { $match: { $or: [{ at: { $gt: at } }, { at, id: { $gt: id } }] } },
        { $sort: { at: 1, id: 1 } },
        { $limit: limit },
      ];
      return store.command((options) => invoices.aggregate<LedgerEntry>(pipeline, options).toArray());
    },
  };
}

/** Sums 64-bit integers: the driver writes large amounts as doubles, whose sums are not always exact. */
const sumByAccount = [
  { $unwind: '$entries' },
  { $unwind: '$entries.postings' },
  {
    $group: {
      _id: { account: '$entries.postings.account', currency: '$entries.currency' },
      balance: { $sum: { $toLong: '$entries.postings.amount' } },
    },
  },
  { $sort: { '_id.account': 1, '_id.currency': 1 } },
];
