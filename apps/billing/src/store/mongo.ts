import { openMongo } from '@slipway/store-mongodb/database';
import { mongoIdempotency, mongoIdempotencyMigration } from '@slipway/store-mongodb/idempotency';
import { mongoOutbox } from '@slipway/store-mongodb/outbox';
import { readEarlier } from '../subscription-versions.ts';
import { mongoClosedAccounts } from './mongo-closed-accounts.ts';
import { mongoInvoices } from './mongo-invoices.ts';
import { mongoLedger } from './mongo-ledger.ts';
import { billingMigrations, withEvents } from './mongo-schema.ts';
import { mongoSubscriptions } from './mongo-subscriptions.ts';
import { mongoUsage } from './mongo-usage.ts';

/** Billing on a MongoDB server. @throws {StartError} if the server cannot be used. */
export async function openMongoStore(url: string) {
  const store = await openMongo(url, [...billingMigrations, mongoIdempotencyMigration]);
  const outbox = mongoOutbox(store, withEvents);
  return {
    subscriptions: readEarlier(mongoSubscriptions(store, outbox)),
    usage: mongoUsage(store, outbox),
    invoices: mongoInvoices(store, outbox),
    ledger: mongoLedger(store),
    closedAccounts: mongoClosedAccounts(store),
    outbox,
    idempotency: mongoIdempotency(store),
    server: 'mongodb',
    ping: store.ping,
    connections: store.connections,
    close: store.close,
  };
}
