import type { DatabaseSync } from 'node:sqlite';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { synchronous } from '@slipway/platform/core/synchronous';
import type { OutboxStore } from '@slipway/platform/events/outbox';
import type { Migration } from './database.ts';

/** AUTOINCREMENT never gives a place twice, so that the order holds when the table was empty in between. */
export const outboxMigration: Migration = {
  name: 'platform-outbox-1',
  sql: `CREATE TABLE outbox (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    event TEXT NOT NULL
  ) STRICT`,
};

/** The outbox of an embedded store. */
export type SqliteOutbox = OutboxStore & {
  /** Puts events into the outbox; call it inside of the transaction that writes their aggregate. */
  add(events: DomainEvent[]): void;
};

/**
 * An outbox in the same file as the aggregates.
 *
 * @example
 * inTransaction(db, () => {
 *   insertInvoice.run(…);
 *   outbox.add([newEvent('billing', 'invoice.issued', { … })]);
 * });
 */
export function sqliteOutbox(db: DatabaseSync): SqliteOutbox {
  const insert = db.prepare(
    'INSERT INTO outbox (id, at, event) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING',
  );
  const oldest = db.prepare('SELECT event FROM outbox ORDER BY place LIMIT ?');
  const remove = db.prepare('DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))');
  const count = db.prepare('SELECT count(*) AS depth, min(at) AS oldestAt FROM outbox');
  const listeners: (() => void)[] = [];

  return {
    add: synchronous((events: DomainEvent[]) => {
      for (const event of events) insert.run(event.id, event.at, JSON.stringify(event));
      // In the next turn: the transaction is synchronous, so that it has ended by then.
      if (events.length > 0) for (const listener of listeners) setImmediate(listener);
    }),
    onAdded: synchronous((listener: () => void) => {
      listeners.push(listener);
    }),
    async pending(limit) {
      return oldest.all(limit).map(({ event }) => JSON.parse(String(event)) as DomainEvent);
    },
    async delivered(ids) {
      remove.run(JSON.stringify(ids));
    },
    async backlog() {
      const { depth, oldestAt } = count.get() ?? {};
      return { depth: Number(depth), ...(oldestAt && { oldestAt: String(oldestAt) }) };
    },
  };
}
