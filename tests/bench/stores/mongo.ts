/** The commands of the stores on MongoDB, by the driver alone: same filter, document and write concern. */
import { randomUUID } from 'node:crypto';
import type { Subscription } from '@slipway/billing/subscriptions';
import { usageEvents } from '@slipway/billing/usage';
import type { DomainEvent } from '@slipway/contract-kit/event';
import type { Account } from '@slipway/users/accounts';
import { type Db, MongoClient } from 'mongodb';
import {
  type BillingCalls,
  certain,
  changesOf,
  inTurn,
  newAccount,
  newUsage,
  signedUp,
  type UsersCalls,
} from './calls.ts';
import { billing, type Opened, users } from './services.ts';

type Document = { _id: string; [field: string]: unknown };

/** Opens users and billing in databases of their own, which `close` drops. */
export async function openMongo(server: string): Promise<Opened> {
  const name = `bench-${randomUUID()}`;
  const client = new MongoClient(server, {
    writeConcern: { w: 'majority', journal: true },
    readConcernLevel: 'majority',
    maxPoolSize: 50,
  });
  const [usersDb, billingDb] = [client.db(`${name}-users`), client.db(`${name}-billing`)];
  const url = (db: Db) => `${server}/${db.databaseName}`;
  const opened = [
    await users('MongoDB', url(usersDb), (accounts) => driveUsers(usersDb, accounts)),
    await billing('MongoDB', url(billingDb), (subscriptions) => driveBilling(billingDb, subscriptions)),
  ];
  return {
    operations: opened.flatMap(({ operations }) => operations),
    async close() {
      for (const each of opened) await each.close();
      for (const db of [usersDb, billingDb]) await db.dropDatabase();
      await client.close();
    },
  };
}

function driveUsers(db: Db, seeded: Account[]): UsersCalls {
  const accounts = db.collection<Document>('accounts');
  const next = inTurn(seeded);
  const withoutEvents = { projection: { outbox: 0 } };
  return {
    'account by id': () => accounts.findOne({ _id: next().id }, withoutEvents),
    'account by e-mail': () => accounts.findOne({ email: next().email }, withoutEvents),
    'new account': () => {
      const { id, ...account } = newAccount();
      const events = placed([signedUp({ id, ...account })]);
      return accounts.insertOne({ _id: id, ...account, outbox: events });
    },
  };
}

function driveBilling(db: Db, seeded: Subscription[]): BillingCalls {
  const subscriptions = db.collection<Document>('subscriptions');
  const invoices = db.collection<Document>('invoices');
  const usage = db.collection<Document>('usage');
  const next = inTurn(seeded);
  const nextChange = changesOf(seeded);
  let page = 0;
  return {
    'subscription by id': () => subscriptions.findOne({ _id: next().id }),
    'subscription changed': async () => {
      const { next: state, events } = nextChange();
      const before = { _id: state.id, 'state.version': state.version - 1 };
      const $push = { outbox: { $each: placed(events) } } as object;
      const { modifiedCount } = await subscriptions.updateOne(before, { $set: { state }, $push });
      certain(modifiedCount === 1);
    },
    'invoice by id': () => invoices.findOne({ _id: `${next().id}.1` }),
    '1,000 usage records': async () => {
      const added = newUsage(next());
      page += 1;
      const document = pageOf(added, page);
      const areThere = { 'records.key': { $in: document.records.map(({ key }) => key) } };
      const unwound = [{ $match: areThere }, { $unwind: '$records' }, { $match: areThere }];
      const newRoot = { $replaceRoot: { newRoot: '$records' } };
      await usage.aggregate([...unwound, newRoot]).toArray();
      await usage.insertMany([document], { ordered: false });
    },
  };
}

/** A page of usage as the store writes it. */
function pageOf(records: ReturnType<typeof newUsage>, number: number) {
  const subscriptionId = String(records[0]?.subscriptionId);
  return {
    _id: `${subscriptionId}/${number}`,
    subscriptionId,
    number,
    records: records.map(({ id, metric, quantity, at }) => ({
      ...{ key: `${subscriptionId}/${id}`, metric, quantity, at },
    })),
    totals: [{ period: 1, metric: 'api_calls', quantity: 3_000n * BigInt(number), records: 1_000 * number }],
    outbox: placed(usageEvents(records)),
  };
}

const placed = (events: DomainEvent[]) => events.map((event) => ({ place: Date.now() * 1_000, event }));
