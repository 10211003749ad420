import type { IdempotencyStore, Reservation, StoredAnswer } from '@slipway/platform/http/idempotency';
import type { MongoStore } from './database.ts';
import { isDuplicate } from './errors.ts';
import type { MongoMigration } from './migrations.ts';

type Entry = { _id: string; bodyHash: string; reservedAt: number; answer?: StoredAnswer };

export const mongoIdempotencyMigration: MongoMigration = {
  name: 'platform-idempotency-1',
  async up(db) {
    await db.createIndex('idempotency', { reservedAt: 1 });
  },
};

/** Maximum number of keys that one command deletes, so that it ends in time. */
const expireBatch = 1_000;

/** Stores idempotency keys in a collection of their own. */
export function mongoIdempotency({ collection, command }: MongoStore): IdempotencyStore {
  const keys = collection<Entry>('idempotency');

  async function take(entry: Entry, staleAfter: number): Promise<boolean> {
    const { _id, bodyHash, reservedAt } = entry;
    const stale = { _id, bodyHash, answer: { $exists: false }, reservedAt: { $lt: reservedAt - staleAfter } };
    try {
      // Updates a stale reservation, or inserts a new one, which the unique `_id` allows only once.
      await command((options) =>
        keys.updateOne(stale, { $set: { reservedAt } }, { ...options, upsert: true }),
      );
      return true;
    } catch (error) {
      if (isDuplicate(error)) return false;
      throw error;
    }
  }

  return {
    async reserve(key, bodyHash, now, staleAfter): Promise<Reservation> {
      for (;;) {
        if (await take({ _id: key, bodyHash, reservedAt: now }, staleAfter)) return { state: 'reserved' };
        const found = await command((options) => keys.findOne({ _id: key }, options));
        // Otherwise it has expired since.
        if (found) return reservationOf(found);
      }
    },
    async complete(key, answer) {
      const open = { _id: key, answer: { $exists: false } };
      await command((options) => keys.updateOne(open, { $set: { answer } }, options));
    },
    async release(key, staleAfter) {
      const open = { _id: key, answer: { $exists: false } };
      const older = { $inc: { reservedAt: -(staleAfter + 1) } };
      await command((options) => keys.updateOne(open, older, options));
    },
    async expire(before) {
      const old = { reservedAt: { $lt: before } };
      const batch = { projection: { _id: 1 }, limit: expireBatch };
      for (let found = expireBatch; found === expireBatch; ) {
        const entries = await command((options) => keys.find(old, { ...options, ...batch }).toArray());
        const ids = entries.map(({ _id }) => _id);
        // The filter again, because a key that was reserved again since then is not old.
        await command((options) => keys.deleteMany({ ...old, _id: { $in: ids } }, options));
        found = ids.length;
      }
    },
  };
}

function reservationOf({ bodyHash, answer }: Entry): Reservation {
  return answer ? { state: 'done', bodyHash, answer } : { state: 'running', bodyHash };
}
