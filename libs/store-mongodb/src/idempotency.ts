import type { IdempotencyStore, Reservation, StoredAnswer } from '@slipway/platform/http/idempotency';
import type { MongoStore } from './database.ts';
import { isDuplicate } from './errors.ts';
import { deleteUpTo } from './expiry.ts';
import type { MongoMigration } from './migrations.ts';

type Entry = {
  _id: string;
  bodyHash: string;
  reservedAt: number;
  caller: string;
  answer?: StoredAnswer;
  /** Size of the answer's body; bytes. */
  bytes?: number;
};

export const mongoIdempotencyMigrations: MongoMigration[] = [
  {
    name: 'platform-idempotency-1',
    async up(db) {
      await db.createIndex('idempotency', { reservedAt: 1 });
    },
  },
  {
    name: 'platform-idempotency-2',
    async up(db) {
      await db.createIndex('idempotency', { caller: 1, reservedAt: -1, bytes: 1 });
    },
  },
];

/** A time before every reservation: nothing is beyond the limit. */
const nothing = Number.NEGATIVE_INFINITY;

/** Stores idempotency keys in a collection of their own. */
export function mongoIdempotency(store: MongoStore): IdempotencyStore {
  const { collection, command } = store;
  const keys = collection<Entry>('idempotency');

  async function take(entry: Entry, staleAfter: number): Promise<boolean> {
    const { _id, bodyHash, reservedAt, caller } = entry;
    const stale = { _id, bodyHash, answer: { $exists: false }, reservedAt: { $lt: reservedAt - staleAfter } };
    try {
      // Updates a stale reservation, or inserts a new one, which the unique `_id` allows only once.
      await command((options) =>
        keys.updateOne(stale, { $set: { reservedAt, caller } }, { ...options, upsert: true }),
      );
      return true;
    } catch (error) {
      if (isDuplicate(error)) return false;
      throw error;
    }
  }

  /** Returns when the newest key after a caller's `records` newest ones was reserved. */
  async function beyondRecords(caller: string, records: number): Promise<number> {
    const first = {
      sort: { reservedAt: -1 },
      skip: records,
      limit: 1,
      projection: { reservedAt: 1 },
    } as const;
    const found = await command((options) => keys.find({ caller }, { ...options, ...first }).toArray());
    return found[0]?.reservedAt ?? nothing;
  }

  /** Returns when the newest key was reserved that no longer fits into a caller's `bytes`. */
  async function beyondBytes(caller: string, bytes: number): Promise<number> {
    const total = { _id: null, bytes: { $sum: '$bytes' } };
    const stages = [{ $match: { caller } }, { $group: total }];
    const [all] = await command((options) => keys.aggregate<{ bytes: number }>(stages, options).toArray());
    if (!all || all.bytes <= bytes) return nothing;
    const order = { sort: { reservedAt: -1 }, projection: { reservedAt: 1, bytes: 1 } } as const;
    const entries = await command((options) => keys.find({ caller }, { ...options, ...order }).toArray());
    let sum = 0;
    const first = entries.find((entry) => {
      sum += entry.bytes ?? 0;
      return sum > bytes;
    });
    return first?.reservedAt ?? nothing;
  }

  return {
    async reserve(key, bodyHash, now, staleAfter, caller = ''): Promise<Reservation> {
      for (;;) {
        const entry = { _id: key, bodyHash, reservedAt: now, caller };
        if (await take(entry, staleAfter)) return { state: 'reserved' };
        const found = await command((options) => keys.findOne({ _id: key }, options));
        // Otherwise it has expired since.
        if (found) return reservationOf(found);
      }
    },
    async complete(key, answer) {
      const open = { _id: key, answer: { $exists: false } };
      const bytes = Buffer.byteLength(answer.body);
      await command((options) => keys.updateOne(open, { $set: { answer, bytes } }, options));
    },
    async release(key, staleAfter) {
      const open = { _id: key, answer: { $exists: false } };
      const older = { $inc: { reservedAt: -(staleAfter + 1) } };
      await command((options) => keys.updateOne(open, older, options));
    },
    async expire(before, limit) {
      return deleteUpTo(store, 'idempotency', { reservedAt: { $lt: before } }, limit);
    },
    async trim(caller, { records, bytes }, runningSince) {
      const cut = Math.max(await beyondRecords(caller, records), await beyondBytes(caller, bytes));
      const isOver = { caller, reservedAt: { $lte: cut } };
      const hasEnded = [{ answer: { $exists: true } }, { reservedAt: { $lt: runningSince } }];
      await command((options) => keys.deleteMany({ ...isOver, $or: hasEnded }, options));
    },
  };
}

function reservationOf({ bodyHash, answer }: Entry): Reservation {
  return answer ? { state: 'done', bodyHash, answer } : { state: 'running', bodyHash };
}
