import type { Position } from '@slipway/platform/core/pagination';
import type { MongoStore } from '@slipway/store-mongodb/database';
import { isDuplicate } from '@slipway/store-mongodb/errors';
import type { MongoOutbox, PlacedEvent } from '@slipway/store-mongodb/outbox';
import type { Aggregate, AggregateStore, Change } from '../change.ts';

/** A document of an aggregate: its state, the events that wait to be delivered, and what belongs to it. */
export type Kept<T> = { _id: string; state: T; outbox: PlacedEvent[] };

type CollectionName = 'subscriptions' | 'invoices';

type Parts<T extends Aggregate> = {
  store: MongoStore;
  name: CollectionName;
  outbox: MongoOutbox;
  /** What the change sets and appends in the document besides the state and the events. */
  writeAlong?: (change: Change<T>) => { set: object; push: Record<string, unknown[]> };
};

/**
 * The documents of one kind of aggregate. State, ledger entries and events are one document, so that one
 * command writes them all or none, on any server and without a transaction.
 */
export function mongoAggregates<T extends Aggregate>({
  store,
  name,
  outbox,
  writeAlong = () => ({ set: {}, push: {} }),
}: Parts<T>): AggregateStore<T> {
  const collection = store.collection<Kept<T>>(name);
  return {
    async get(id) {
      const found = await store.command((options) => collection.findOne({ _id: id }, options));
      return found?.state as T | undefined;
    },
    async add(change) {
      const { next, events } = change;
      const { set, push } = writeAlong(change);
      const insert = (placed: PlacedEvent[]) => {
        const document = { _id: next.id, state: next, outbox: placed, ...set, ...push };
        return store.command((options) => collection.insertOne(document, options));
      };
      try {
        await outbox.write(events, insert);
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    },
    async replace(change) {
      const { next, events } = change;
      const { set, push } = writeAlong(change);
      const before = { _id: next.id, 'state.version': next.version - 1 };
      const { modifiedCount } = await outbox.write(events, (placed) => {
        const lists = Object.entries({ outbox: placed, ...push });
        const $push = Object.fromEntries(lists.map(([name, $each]) => [name, { $each }]));
        const update = { $set: { state: next, ...set }, $push } as Parameters<typeof collection.updateOne>[1];
        return store.command((options) => collection.updateOne(before, update, options));
      });
      return modifiedCount === 1;
    },
  };
}

/** What a list is asked for: equal fields, and the place in the order of `by` and id where it begins. */
type Query = {
  name: CollectionName;
  where?: Record<string, string | undefined>;
  by: string;
  order: 'ascending' | 'descending';
  limit: number;
  after?: Position;
  /** Only those whose `by` is not after this. */
  until?: string;
};

/** Reads a page of documents. */
export async function readPage<T>(store: MongoStore, query: Query): Promise<T[]> {
  const { name, by, order, limit } = query;
  const direction = order === 'ascending' ? 1 : -1;
  const found = await store.command((options) =>
    store
      .collection<Kept<T>>(name)
      .find(filterOf(query), { ...options, projection: { state: 1 } })
      .sort({ [by]: direction, _id: direction })
      .limit(limit)
      .toArray(),
  );
  return found.map(({ state }) => state as T);
}

function filterOf({ where = {}, by, order, after, until }: Query) {
  const filters = Object.entries(where).filter(([, value]) => value !== undefined);
  const beyond = order === 'ascending' ? '$gt' : '$lt';
  return {
    ...Object.fromEntries(filters),
    $and: [
      // A comparison finds values of its own type: a document without the field is in no such list.
      { [by]: until === undefined ? { $gt: '' } : { $lte: until } },
      // The first part lets the index begin at the place; the second leaves out what is before it there.
      ...(after
        ? [
            { [by]: { [`${beyond}e`]: after.at } },
            { $or: [{ [by]: { [beyond]: after.at } }, { _id: { [beyond]: after.id } }] },
          ]
        : []),
    ],
  };
}
