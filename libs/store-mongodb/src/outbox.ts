import type { DomainEvent } from '@slipway/contract-kit/event';
import { synchronous } from '@slipway/platform/core/synchronous';
import type { OutboxStore } from '@slipway/platform/events/outbox';
import type { Db } from 'mongodb';
import type { MongoStore } from './database.ts';

/** An event inside the document of its aggregate, with its place among all events. */
export type PlacedEvent = { place: number; event: DomainEvent };

/** The part of an aggregate's document that is about its events. */
export type WithOutbox = {
  /** Events that wait to be delivered, in order. */
  outbox?: PlacedEvent[];
  /** The aggregate is gone; what is left of it only tells its last events. */
  removed?: true;
};

/** An outbox inside the documents of the aggregates. */
export type MongoOutbox = OutboxStore & {
  /**
   * Writes an aggregate with its events: `work` puts the given array into the document, in one command.
   *
   * @example
   * await outbox.write(events, (outbox) => command((options) => invoices.insertOne({ ...invoice, outbox }, options)));
   * await outbox.write(events, ($each) =>
   *   command((options) => invoices.updateOne({ _id, version }, { $set: …, $push: { outbox: { $each } } }, options)));
   */
  write<T>(events: DomainEvent[], work: (outbox: PlacedEvent[]) => Promise<T>): Promise<T>;
};

/**
 * Makes the indexes of the outboxes in a collection; use it in a migration. They hold only documents with
 * events that wait, and those are few.
 */
export async function createOutboxIndexes(db: Db, collection: string): Promise<void> {
  await db.createIndex(collection, { 'outbox.place': 1 }, { sparse: true });
  await db.createIndex(collection, { 'outbox.event.id': 1 }, { sparse: true });
  await db.createIndex(collection, { removed: 1 }, { sparse: true });
}

/**
 * Milliseconds to read all that waits. It takes 2 µs an event (FerretDB 2.7, 40,000 of them), more than a caller
 * would wait when the reader was away for long, but the relay has time.
 */
const readWithin = 5_000;
/**
 * Events that are taken out by one command. Some servers write a document and all its index entries anew when a
 * part of it changes (FerretDB: 40 ms for a document of usage with 1,000 records).
 */
const removeAtOnce = 10;

/**
 * The outbox of the aggregates in some collections. An aggregate and its events are one document, so that one
 * command writes both, and no transaction is needed.
 *
 * A document whose aggregate was removed stays, as `{ _id, removed: true, outbox }`, until its events are
 * delivered.
 */
export function mongoOutbox({ collection, command }: MongoStore, names: string[]): MongoOutbox {
  const collections = names.map((name) => collection<{ _id: string } & WithOutbox>(name));
  const listeners: (() => void)[] = [];
  const waiting = { 'outbox.place': { $gt: 0 } };

  async function remove(from: (typeof collections)[number], ids: string[]): Promise<void> {
    const theirs = { 'outbox.event.id': { $in: ids } };
    const pull = { $pull: { outbox: { 'event.id': { $in: ids } } } };
    const { matchedCount } = await command((options) => from.updateMany(theirs, pull, options));
    if (matchedCount === 0) return;
    await command((options) => from.deleteMany({ removed: true, outbox: [] }, options));
  }

  return {
    async write(events, work) {
      const result = await work(events.map((event) => ({ place: nextPlace(), event })));
      if (events.length > 0) for (const listener of listeners) listener();
      return result;
    },
    onAdded: synchronous((listener: () => void) => {
      listeners.push(listener);
    }),
    async pending(limit) {
      const oldest = [
        { $match: waiting },
        { $sort: { 'outbox.place': 1 } },
        { $limit: limit },
        { $project: { outbox: { $slice: ['$outbox', limit] } } },
      ];
      const found = await Promise.all(
        collections.map((each) =>
          command((options) => each.aggregate<WithOutbox>(oldest, options).toArray(), readWithin),
        ),
      );
      return inOrder(found.flat().map(({ outbox = [] }) => outbox)).slice(0, limit);
    },
    async delivered(ids) {
      for (let start = 0; start < ids.length; start += removeAtOnce) {
        const some = ids.slice(start, start + removeAtOnce);
        await Promise.all(collections.map((each) => remove(each, some)));
      }
    },
    async backlog() {
      const counted = await Promise.all(
        collections.map((each) =>
          command(
            (options) => each.aggregate<Backlog>([{ $match: waiting }, ...count], options).toArray(),
            readWithin,
          ),
        ),
      );
      return counted.flat().reduce<Backlog>(add, { depth: 0 });
    },
  };
}

type Backlog = { depth: number; oldestAt?: string };

const count = [
  { $project: { size: { $size: '$outbox' }, at: { $min: '$outbox.event.at' } } },
  { $group: { _id: null, depth: { $sum: '$size' }, oldestAt: { $min: '$at' } } },
  { $project: { _id: 0 } },
];

function add(one: Backlog, other: Backlog): Backlog {
  const [oldestAt] = [one.oldestAt, other.oldestAt].filter((at) => at !== undefined).sort();
  return { depth: one.depth + other.depth, ...(oldestAt && { oldestAt }) };
}

/**
 * Events of several documents in the order of their places. The order inside of a document holds whatever the
 * places say: the clocks of two replicas that wrote one after the other may differ.
 */
function inOrder(outboxes: PlacedEvent[][]): DomainEvent[] {
  const placed = outboxes.flatMap((outbox) => {
    let latest = 0;
    return outbox.map(({ place, event }) => {
      latest = Math.max(latest, place);
      return { place: latest, event };
    });
  });
  const events = placed.sort((a, b) => a.place - b.place).map(({ event }) => event);
  // A command that was repeated may have written an event twice.
  return [...new Map(events.map((event) => [event.id, event])).values()];
}

let lastPlace = 0;

/** Microseconds since the epoch, but never the same twice in a process. */
function nextPlace(): number {
  lastPlace = Math.max(lastPlace + 1, Date.now() * 1000);
  return lastPlace;
}
