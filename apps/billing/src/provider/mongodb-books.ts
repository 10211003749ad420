import { type MongoStore, openMongo, type Stored } from '@slipway/store-mongodb/database';
import { isDuplicate } from '@slipway/store-mongodb/errors';
import type { MongoMigration } from '@slipway/store-mongodb/migrations';
import type { Charge, RefundOrder } from './provider.ts';
import { type BookedCharge, type BookedRefund, refusal, type SandboxBooks } from './sandbox-books.ts';

/** A charge and its refunds are one document, so that a refund is one atomic step. */
type StoredCharge = Stored & BookedCharge & { given: number; refunds: { key: string; amount: number }[] };

type StoredRefusal = Stored & BookedRefund;

const migrations: MongoMigration[] = [
  {
    name: 'sandbox-1',
    async up(db) {
      await db.collection('charges').createIndexes([{ key: { 'refunds.key': 1 } }, { key: { currency: 1 } }]);
    },
  },
];

/** Opens books on a server, for replicas on several machines. The sandbox needs its own database. */
export async function openMongoBooks(url: string): Promise<SandboxBooks> {
  const mongo = await openMongo(url, migrations);
  const charges = mongo.collection<StoredCharge>('charges');
  const refusals = mongo.collection<StoredRefusal>('refusals');
  const attempts = mongo.collection('attempts');

  const chargeOf = async (key: string) =>
    (await mongo.command((options) => charges.findOne({ _id: key }, options))) ?? undefined;

  async function bookedRefund(key: string): Promise<BookedRefund | undefined> {
    const holder = await mongo.command((options) => charges.findOne({ 'refunds.key': key }, options));
    const done = holder?.refunds.find((refund) => refund.key === key);
    if (holder && done) return { chargeKey: holder._id, amount: done.amount, reason: null };
    return (await mongo.command((options) => refusals.findOne({ _id: key }, options))) ?? undefined;
  }

  return {
    isFirstAttempt: (key) => inserted(mongo, (options) => attempts.insertOne({ _id: key }, options)),
    async charge({ idempotencyKey: _id, amount, currency, method }: Charge, reason) {
      const booked = { amount, currency, method, reason };
      const document = { _id, ...booked, given: 0, refunds: [] };
      const isNew = await inserted(mongo, (options) => charges.insertOne(document, options));
      return { booked: isNew ? booked : ((await chargeOf(_id)) ?? booked), isNew };
    },
    async refund(order: RefundOrder) {
      const { idempotencyKey: key, chargeKey, amount } = order;
      for (;;) {
        // The charge is read first: if the same refund is booked after that, `given` has changed.
        const charge = await chargeOf(chargeKey);
        const known = await bookedRefund(key);
        if (known) return known;
        const { given = 0, refunds = [] } = charge ?? {};
        const reason = refusal(charge, given, order);
        if (reason === null) {
          const change = { $set: { given: given + amount, refunds: [...refunds, { key, amount }] } };
          // Writes only if no other refund has changed `given` in between; otherwise the loop starts again.
          await mongo.command((options) => charges.updateOne({ _id: chargeKey, given }, change, options));
        } else {
          const refused = { _id: key, chargeKey, amount, reason };
          await inserted(mongo, (options) => refusals.insertOne(refused, options));
        }
      }
    },
    async statement(currency) {
      const taken = await mongo.command((options) =>
        charges
          .find({ currency, reason: null }, { ...options, projection: { amount: 1, given: 1 } })
          .toArray(),
      );
      const net = taken.reduce((sum, { amount, given }) => sum + amount - given, 0);
      return { charges: taken.length, net };
    },
    close: () => mongo.close(),
  };
}

/** Inserts a document; returns whether it is new. */
async function inserted(mongo: MongoStore, insert: Parameters<MongoStore['command']>[0]): Promise<boolean> {
  try {
    await mongo.command(insert);
    return true;
  } catch (error) {
    if (isDuplicate(error)) return false;
    throw error;
  }
}
