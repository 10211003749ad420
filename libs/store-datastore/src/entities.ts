import {
  type Datastore,
  type Key,
  PropertyFilter,
  type Query,
  type Transaction,
} from '@google-cloud/datastore';
import type { Bounds } from './calls.ts';

/** An entity that was read: its name and its properties. */
export type Found = { name: string; [property: string]: unknown };

/** Selects entities between two values (excluded) of the property `by`, or of the name if absent, sorted by it. */
export type Range = {
  by?: string;
  after?: string | number;
  before?: string | number;
  /** Ascending if absent. */
  order?: 'ascending' | 'descending';
  /** All of them if absent. */
  limit?: number;
  namesOnly?: boolean;
};

export type Reads = {
  /** Returns the named entities that exist, in any order. */
  get(kind: string, names: string[]): Promise<Found[]>;
  find(kind: string, range: Range): Promise<Found[]>;
};

/** The reads and writes of a transaction. Writes take effect with the commit; its own reads do not see them. */
export type Step = Reads & {
  /** @param indexed the properties to search by; each index costs a write */
  save(kind: string, name: string, properties: object, indexed?: string[]): void;
  remove(kind: string, names: string[]): void;
};

/**
 * A namespace of a Datastore: entities with a kind and a name. Each method has a deadline, and throws the `Problem`
 * unavailable if the server is unreachable, too slow or too busy.
 */
export type DatastoreStore = Reads & {
  /**
   * Runs `work` in a transaction and commits it. If it loses against another transaction, `work` runs again, so it must
   * change nothing except through the given step.
   */
  transaction<T>(work: (step: Step) => Promise<T>): Promise<T>;
  /** Runs `work` in a read-only transaction, which reads the data as of one moment and never waits for other transactions. */
  readOnlyTransaction<T>(work: (reads: Reads) => Promise<T>): Promise<T>;
  ping(): Promise<void>;
  close(): Promise<void>;
};

/** Returns the name of the entity with an id. An id may have the form `__x__`, but a name must not. */
export const nameOf = (id: string) => `id:${id}`;

export type KeyOf = (kind: string, name: string) => Key;

export function readsOf(
  datastore: Datastore,
  keyOf: KeyOf,
  from: Datastore | Transaction,
  bounds: Bounds,
): Reads {
  const found = (entity: Record<string | symbol, unknown>): Found => ({
    ...entity,
    name: String((entity[datastore.KEY] as Key).name),
  });
  return {
    async get(kind, names) {
      if (names.length === 0) return [];
      const keys = names.map((name) => keyOf(kind, name));
      const [entities] = await from.get(keys, bounds());
      return entities.map(found);
    },
    async find(kind, range) {
      const [entities] = await from.runQuery(queryFor(datastore, keyOf, kind, range), bounds());
      return entities.map(found);
    },
  };
}

/**
 * Creates a query for a range over one property. Each property has its own index automatically; an index over several
 * properties would have to be deployed before the version that needs it.
 */
function queryFor(datastore: Datastore, keyOf: KeyOf, kind: string, range: Range): Query {
  const { by = '__key__', after, before, order, limit, namesOnly } = range;
  const value = (bound: string | number) => (by === '__key__' ? keyOf(kind, String(bound)) : bound);
  const descending = order === 'descending';
  const query = datastore.createQuery(kind).order(by, { descending });
  if (limit !== undefined) query.limit(limit);
  if (after !== undefined) query.filter(new PropertyFilter(by, '>', value(after)));
  if (before !== undefined) query.filter(new PropertyFilter(by, '<', value(before)));
  return namesOnly ? query.select('__key__') : query;
}

export function stepOf(datastore: Datastore, keyOf: KeyOf, transaction: Transaction, bounds: Bounds): Step {
  return {
    ...readsOf(datastore, keyOf, transaction, bounds),
    save(kind, name, properties, indexed = []) {
      const excludeFromIndexes = Object.keys(properties).filter((property) => !indexed.includes(property));
      transaction.save({ key: keyOf(kind, name), data: properties, excludeFromIndexes });
    },
    remove(kind, names) {
      transaction.delete(names.map((name) => keyOf(kind, name)));
    },
  };
}
