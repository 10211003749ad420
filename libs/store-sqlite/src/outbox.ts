import type { DatabaseSync } from 'node:sqlite';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { synchronous } from '@slipway/platform/core/synchronous';
import type { OutboxStore } from '@slipway/platform/events/outbox';
import type { Migration } from './database.ts';

/** AUTOINCREMENT never uses a position twice, so the order is preserved even after the table was empty. */
export const outboxMigration: Migration = {
  name: 'platform-outbox-1',
  sql: `CREATE TABLE outbox (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    event TEXT NOT NULL
  ) STRICT`,
};

/** An outbox in an embedded database. */
export type SqliteOutbox = OutboxStore & {
  /** Adds events; call it inside the transaction that writes their aggregate. */
  add(events: DomainEvent[]): void;
};

/**
 * Creates an outbox in the database of the aggregates.
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
      // In the next iteration of the event loop: the synchronous transaction has ended by then.
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
