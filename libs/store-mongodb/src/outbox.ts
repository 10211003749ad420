import type { DomainEvent } from '@slipway/contract-kit/event';
import { synchronous } from '@slipway/platform/core/synchronous';
import type { OutboxStore } from '@slipway/platform/events/outbox';
import type { Collection, Db } from 'mongodb';
import type { MongoStore } from './database.ts';

/** An event inside the document of its aggregate; `place` is its position among all events. */
export type PlacedEvent = { place: number; event: DomainEvent };

/** The fields of an aggregate's document that hold its events. */
export type WithOutbox = {
  /** Events that wait for delivery, in order. */
  outbox?: PlacedEvent[];
  /** The aggregate was removed, and only its last events are left. */
  removed?: true;
};

/** An outbox in the documents of the aggregates. */
export type MongoOutbox = OutboxStore & {
  /**
   * Writes an aggregate with its events: `work` writes the given array into the document, in one command.
   *
   * @example
   * await outbox.write(events, (outbox) => command((options) => invoices.insertOne({ ...invoice, outbox }, options)));
   * await outbox.write(events, ($each) =>
   *   command((options) => invoices.updateOne({ _id, version }, { $set: …, $push: { outbox: { $each } } }, options)));
   */
  write<T>(events: DomainEvent[], work: (outbox: PlacedEvent[]) => Promise<T>): Promise<T>;
};

/**
 * Creates the indexes of the outboxes in a collection; call it in a migration. They hold only the few documents with
 * waiting events.
 */
export async function createOutboxIndexes(db: Db, collection: string): Promise<void> {
  await db.createIndex(collection, { 'outbox.place': 1 }, { sparse: true });
  await db.createIndex(collection, { 'outbox.event.id': 1 }, { sparse: true });
  await db.createIndex(collection, { removed: 1 }, { sparse: true });
}

/**
 * Deadline for reading the waiting events, which takes 2 µs per event (FerretDB 2.7, 40,000 events). After a long
 * outage of the receiving service there may be more of them than can be read in a client's time limit. Milliseconds.
 */
const readWithin = 5_000;
/**
 * Maximum number of events that one command removes. Some servers rewrite a document and all its index entries when a
 * part of it changes (FerretDB: 40 ms for a document of usage with 1,000 records).
 */
const maxRemoved = 10;

type WithId = { _id: string } & WithOutbox;
type Source = Collection<WithId>;
/** The outbox of one document. */
type Outbox = { source: Source; placed: PlacedEvent[] };

/**
 * Creates the outbox of the aggregates in some collections. An aggregate and its events are one document, so one
 * command writes both, and no transaction is needed.
 *
 * The document of a removed aggregate stays, as `{ _id, removed: true, outbox }`, until its events are delivered.
 */
export function mongoOutbox({ collection, command }: MongoStore, names: string[]): MongoOutbox {
  const collections = names.map((name) => collection<WithId>(name));
  const listeners: (() => void)[] = [];
  /** The collections of the events read last, so that a removal needs one command, not one per collection. */
  const readFrom = new Map<string, Source>();
  const waiting = { 'outbox.place': { $gt: 0 } };

  async function oldestIn(source: Source, limit: number): Promise<Outbox[]> {
    const oldest = [
      { $match: waiting },
      { $sort: { 'outbox.place': 1 } },
      { $limit: limit },
      { $project: { outbox: { $slice: ['$outbox', limit] } } },
    ];
    const found = await command(
      (options) => source.aggregate<WithOutbox>(oldest, options).toArray(),
      readWithin,
    );
    return found.map(({ outbox = [] }) => ({ source, placed: outbox }));
  }

  async function remove(from: Source, ids: string[]): Promise<void> {
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
      const found = await Promise.all(collections.map((each) => oldestIn(each, limit)));
      const oldest = inOrder(found.flat()).slice(0, limit);
      readFrom.clear();
      for (const { event, source } of oldest) readFrom.set(event.id, source);
      return oldest.map(({ event }) => event);
    },
    async delivered(ids) {
      for (let start = 0; start < ids.length; start += maxRemoved) {
        const some = Map.groupBy(ids.slice(start, start + maxRemoved), (id) => readFrom.get(id));
        const removals = [...some].flatMap(([source, theirs]) =>
          (source ? [source] : collections).map((each) => remove(each, theirs)),
        );
        await Promise.all(removals);
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
 * Merges the events of several documents by position, but preserves each document's order: two replicas with
 * different clocks may have written its positions out of order.
 */
function inOrder(outboxes: Outbox[]) {
  const all = outboxes.flatMap(({ source, placed }) => {
    let latest = 0;
    return placed.map(({ place, event }) => {
      latest = Math.max(latest, place);
      return { place: latest, event, source };
    });
  });
  const ordered = all.sort((a, b) => a.place - b.place);
  // A repeated command may have written an event twice.
  return [...new Map(ordered.map((each) => [each.event.id, each])).values()];
}

let lastPlace = 0;

/** Returns microseconds since the epoch, but never the same number twice in a process. */
function nextPlace(): number {
  lastPlace = Math.max(lastPlace + 1, Date.now() * 1000);
  return lastPlace;
}
