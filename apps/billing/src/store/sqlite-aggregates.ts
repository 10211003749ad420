import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Position } from '@slipway/platform/core/pagination';
import { inTransaction } from '@slipway/store-sqlite/database';
import type { SqliteOutbox } from '@slipway/store-sqlite/outbox';
import type { Aggregate, AggregateStore, Change } from '../change.ts';

type Parts<T extends Aggregate> = {
  db: DatabaseSync;
  table: 'subscriptions' | 'invoices';
  outbox: SqliteOutbox;
  /** Writes what belongs to the change besides the document; runs in the same transaction. */
  writeAlong?: (change: Change<T>) => void;
};

/** The documents of one kind of aggregate, each written in one step with its events. */
export function sqliteAggregates<T extends Aggregate>({
  db,
  table,
  outbox,
  writeAlong,
}: Parts<T>): AggregateStore<T> {
  const find = db.prepare(`SELECT doc FROM ${table} WHERE id = ?`);
  const insert = db.prepare(`INSERT INTO ${table} (id, doc) VALUES (?, ?) ON CONFLICT (id) DO NOTHING`);
  const update = db.prepare(`UPDATE ${table} SET doc = ? WHERE id = ? AND version = ?`);

  const write = (change: Change<T>, document: () => number | bigint) =>
    inTransaction(db, () => {
      if (document() === 0) return false;
      writeAlong?.(change);
      outbox.add(change.events);
      return true;
    });

  return {
    async get(id) {
      const row = find.get(id);
      return row && parse<T>(row);
    },
    async add(change) {
      const { next } = change;
      return write(change, () => insert.run(next.id, JSON.stringify(next)).changes);
    },
    async replace(change) {
      const { next } = change;
      return write(change, () => update.run(JSON.stringify(next), next.id, next.version - 1).changes);
    },
  };
}

function parse<T>({ doc }: Record<string, unknown>): T {
  return JSON.parse(String(doc)) as T;
}

/** What a list is asked for: equal columns, and the place in the order of `by` and id where it begins. */
type Query = {
  table: 'subscriptions' | 'invoices' | 'entries';
  where?: Record<string, SQLInputValue | undefined>;
  by: string;
  order: 'ASC' | 'DESC';
  limit: number;
  after?: Position;
  /** Only those whose `by` is not after this. */
  until?: string;
};

/** Reads a page of documents. Names of tables and columns come from the code, values never become SQL. */
export function readPage<T>(db: DatabaseSync, query: Query): T[] {
  const { table, where = {}, by, order, limit, after, until } = query;
  const filters = Object.entries(where).filter(([, value]) => value !== undefined);
  const conditions = [
    ...filters.map(([column]) => `${column} = ?`),
    ...(until === undefined ? [] : [`${by} <= ?`]),
    ...(after ? [`(${by}, id) ${order === 'ASC' ? '>' : '<'} (?, ?)`] : []),
  ];
  const values = [
    ...filters.map(([, value]) => value ?? null),
    ...(until === undefined ? [] : [until]),
    ...(after ? [after.at, after.id] : []),
  ];
  const condition = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  return db
    .prepare(`SELECT doc FROM ${table} ${condition} ORDER BY ${by} ${order}, id ${order} LIMIT ?`)
    .all(...values, limit)
    .map((row) => parse<T>(row));
}
