import type { Position } from '@slipway/platform/core/pagination';
import type { Aggregate, AggregateStore, Change } from '@slipway/platform/events/aggregates';
import type { Document } from 'mongodb';
import type { MongoStore, Stored } from './database.ts';
import { isDuplicate } from './errors.ts';
import type { MongoOutbox, PlacedEvent } from './outbox.ts';

/** Defines how a document stores the state of its aggregate. */
export type Layout<T extends Aggregate> = {
  /** The field with the version. */
  version: string;
  /** The projection that `stateOf` needs, including whether the aggregate is removed. */
  projection: Document;
  fieldsOf(state: T): Document;
  stateOf(document: Stored): T;
};

/** The state is in the field `state`, beside the rest of a change. */
function nested<T extends Aggregate>(): Layout<T> {
  return {
    version: 'state.version',
    projection: { state: 1, removed: 1 },
    fieldsOf: (state) => ({ state }),
    stateOf: ({ state }) => state as T,
  };
}

/**
 * Each field of the state is a field of the document. Not for states that lose fields, which the document would keep.
 * `expiresAt` (milliseconds since the epoch) is stored as a date, so that a TTL index can delete the document.
 */
export function flat<T extends Aggregate>(): Layout<T> {
  return {
    version: 'version',
    projection: { outbox: 0 },
    fieldsOf: ({ id: _, ...fields }) =>
      'expiresAt' in fields ? { ...fields, expiresAt: new Date(Number(fields.expiresAt)) } : fields,
    stateOf: ({ _id: id, expiresAt, ...fields }) => {
      // A document that was written before its aggregate had a version is in version 0.
      const state = { id, version: 0, ...fields };
      return (expiresAt ? { ...state, expiresAt: (expiresAt as Date).getTime() } : state) as unknown as T;
    },
  };
}

type Options<T extends Aggregate, Also> = {
  store: MongoStore;
  collection: string;
  /** Absent for aggregates that cause no events. */
  outbox?: MongoOutbox;
  layout?: Layout<T>;
  /** Returns the fields to set, and the items to append to arrays, for the rest of a change. */
  writeAlso?: (change: Change<T, Also>) => { set: Document; push: Record<string, unknown[]> };
  /** Returns the error to throw if another aggregate has the same value in a unique index. */
  taken?: () => Error;
};

/**
 * Stores aggregates in a collection. The aggregate, its events and the rest of a change are one document, so that
 * one command writes all or nothing, on any server and without a transaction.
 */
export function mongoAggregates<T extends Aggregate, Also = unknown>(
  options: Options<T, Also>,
): AggregateStore<T, Also> {
  const { store, outbox, layout = nested<T>(), writeAlso = nothing, taken } = options;
  const collection = store.collection<Stored>(options.collection);
  const writeEvents = outbox?.write ?? rejectEvents;
  const inVersion = (version: number) => ({ [layout.version]: version === 0 ? { $exists: false } : version });

  async function find(_id: string, projection: Document): Promise<Stored | undefined> {
    const found = await store.command((command) => collection.findOne({ _id }, { ...command, projection }));
    return found ?? undefined;
  }

  return {
    async get(id) {
      const found = await find(id, layout.projection);
      return found && !found.removed ? layout.stateOf(found) : undefined;
    },
    async add(change) {
      const { next, events } = change;
      const { set, push } = writeAlso(change);
      try {
        await writeEvents(events, (placed) => {
          const written = { ...layout.fieldsOf(next), ...set, ...push, ...(outbox && { outbox: placed }) };
          return store.command((command) => collection.insertOne({ _id: next.id, ...written }, command));
        });
        return true;
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        // Servers differ in how they name the index, so a look at the id shows which value is taken.
        if (taken && !(await find(next.id, { _id: 1 }))) throw taken();
        return false;
      }
    },
    async replace(change) {
      const { next, events } = change;
      const { set, push } = writeAlso(change);
      const before = { _id: next.id, ...inVersion(next.version - 1) };
      try {
        const { matchedCount } = await writeEvents(events, (placed) => {
          const update = {
            $set: { ...layout.fieldsOf(next), ...set },
            ...append({ outbox: placed, ...push }),
          };
          return store.command((command) => collection.updateOne(before, update, command));
        });
        return matchedCount === 1;
      } catch (error) {
        throw taken && isDuplicate(error) ? taken() : error;
      }
    },
    async remove(_id, { version, events = [] } = {}) {
      const present = { _id, removed: { $exists: false }, ...(version !== undefined && inVersion(version)) };
      if (events.length === 0) {
        // A document without waiting events can be deleted immediately.
        const done = { ...present, ...(outbox && { outbox: [] }) };
        const { deletedCount } = await store.command((command) => collection.deleteOne(done, command));
        if (!outbox || deletedCount === 1) return deletedCount === 1;
      }
      const { matchedCount } = await writeEvents(events, (placed) =>
        store.command((command) => collection.updateOne(present, removal(placed), command)),
      );
      return matchedCount === 1;
    },
  };
}

const nothing = () => ({ set: {}, push: {} });

const rejectEvents: MongoOutbox['write'] = (events, work) => {
  if (events.length > 0) throw new Error('These aggregates were opened without an outbox for events');
  return work([]);
};

function append(lists: Record<string, unknown[]>): Document {
  const added = Object.entries(lists).filter(([, items]) => items.length > 0);
  if (added.length === 0) return {};
  return { $push: Object.fromEntries(added.map(([name, $each]) => [name, { $each }])) };
}

/** Leaves only the events of a removed aggregate, see `WithOutbox`. */
function removal(placed: PlacedEvent[]): Document[] {
  const waiting = { $concatArrays: [{ $ifNull: ['$outbox', []] }, { $literal: placed }] };
  return [{ $replaceWith: { _id: '$_id', removed: true, outbox: waiting } }];
}

type Query<T extends Aggregate> = {
  collection: string;
  layout?: Layout<T>;
  /** Only documents with these values; `undefined` filters nothing. */
  where?: Record<string, string | undefined>;
  /** The field of the order; documents with the same value are in the order of `_id`. */
  by: string;
  order: 'ascending' | 'descending';
  limit: number;
  /** Only documents after this position in the order. */
  after?: Position;
  /** Only documents whose `by` is not greater than this. */
  until?: string;
};

/** Reads a page of aggregates. */
export async function readPage<T extends Aggregate>(store: MongoStore, query: Query<T>): Promise<T[]> {
  const { collection, layout = nested<T>(), by, order, limit } = query;
  const direction = order === 'ascending' ? 1 : -1;
  const found = await store.command((command) =>
    store
      .collection<Stored>(collection)
      .find(filterOf(query), { ...command, projection: layout.projection })
      .sort({ [by]: direction, _id: direction })
      .limit(limit)
      .toArray(),
  );
  return found.map(layout.stateOf);
}

function filterOf<T extends Aggregate>({ where = {}, by, order, after, until }: Query<T>): Document {
  const filters = Object.entries(where).filter(([, value]) => value !== undefined);
  const beyond = order === 'ascending' ? '$gt' : '$lt';
  return {
    ...Object.fromEntries(filters),
    $and: [
      // A comparison matches only values of its own type, so a document without the field is on no page.
      { [by]: until === undefined ? { $gt: '' } : { $lte: until } },
      // The first condition lets the index scan begin at the position; the second excludes documents before it.
      ...(after
        ? [
            { [by]: { [`${beyond}e`]: after.at } },
            { $or: [{ [by]: { [beyond]: after.at } }, { _id: { [beyond]: after.id } }] },
          ]
        : []),
    ],
  };
}
