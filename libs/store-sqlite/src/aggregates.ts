import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Position } from '@slipway/platform/core/pagination';
import type { Aggregate, AggregateStore, Change } from '@slipway/platform/events/aggregates';
import { inTransaction, isUniqueViolation } from './database.ts';
import type { SqliteOutbox } from './outbox.ts';

export type Options<T extends Aggregate, Also> = {
  db: DatabaseSync;
  /**
   * A table with the columns `id TEXT PRIMARY KEY`, `doc TEXT` (the aggregate as JSON) and
   * `version INTEGER AS (doc ->> 'version')`. Further columns are computed from `doc`, or set by `writeAlso`.
   */
  table: string;
  /** Absent for aggregates that cause no events. */
  outbox?: Pick<SqliteOutbox, 'add'>;
  /** Writes the rest of a change; runs in the transaction that writes the aggregate. */
  writeAlso?: (change: Change<T, Also>) => void;
  /** Returns the error to throw if another aggregate has the same value in a unique index. */
  taken?: () => Error;
};

/** Stores aggregates in an embedded database, each in one transaction with its events. */
export function sqliteAggregates<T extends Aggregate, Also = unknown>(
  options: Options<T, Also>,
): AggregateStore<T, Also> {
  const { db, table, outbox = rejectEvents, writeAlso, taken } = options;
  const find = db.prepare(`SELECT doc FROM ${table} WHERE id = ?`);
  const insert = db.prepare(`INSERT INTO ${table} (id, doc) VALUES (?, ?) ON CONFLICT (id) DO NOTHING`);
  const update = db.prepare(`UPDATE ${table} SET doc = ? WHERE id = ? AND version = ?`);
  const remove = db.prepare(`DELETE FROM ${table} WHERE id = ? AND version = coalesce(?, version)`);

  /** @param document writes the document and returns the number of rows that it changed */
  function write(change: Change<T, Also>, document: () => number | bigint): boolean {
    try {
      return inTransaction(db, () => {
        if (document() === 0) return false;
        writeAlso?.(change);
        outbox.add(change.events);
        return true;
      });
    } catch (error) {
      throw taken && isUniqueViolation(error) ? taken() : error;
    }
  }

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
    async remove(id, { version, events = [] } = {}) {
      return inTransaction(db, () => {
        if (remove.run(id, version ?? null).changes === 0) return false;
        outbox.add(events);
        return true;
      });
    },
  };
}

function parse<T>({ doc }: Record<string, unknown>): T {
  return JSON.parse(String(doc)) as T;
}

const rejectEvents: Pick<SqliteOutbox, 'add'> = {
  add(events) {
    if (events.length > 0) throw new Error('These aggregates were opened without an outbox for events');
  },
};

type Query = {
  /** A table with the columns `id` and `doc`. */
  table: string;
  /** Only rows with these values; `undefined` filters nothing. */
  where?: Record<string, SQLInputValue | undefined>;
  /** The column of the order; rows with the same value are in the order of `id`. */
  by: string;
  order: 'ASC' | 'DESC';
  limit: number;
  /** Only rows after this position in the order. */
  after?: Position;
  /** Only rows whose `by` is not greater than this. */
  until?: string;
};

/** Reads a page of documents. Names of tables and columns come from the code; values are bound, never SQL. */
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
