import type { DatabaseSync } from 'node:sqlite';
import type { DomainEvent } from '@slipway/contract-kit/event';
import type { InboxStore } from '@slipway/platform/events/inbox';
import { inTransaction, type Migration } from './database.ts';

/** `inbox` holds the applied events in the order in which they were applied; `refused` holds the dead letters. */
export const inboxMigration: Migration = {
  name: 'platform-inbox-1',
  sql: `CREATE TABLE inbox (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL
  ) STRICT;
  CREATE TABLE refused (
    id TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    event TEXT NOT NULL
  ) STRICT;
  CREATE INDEX refused_by_time ON refused (at, id)`,
};

/** An event and its position in the order of arrival. */
export type AppliedEvent = { place: number; event: DomainEvent };

/** An inbox in an embedded database. */
export type SqliteInbox = InboxStore & {
  /** Returns up to `limit` applied events after a position, in the order of arrival. */
  applied(after: number, limit: number): AppliedEvent[];
  /** Returns the position of the newest event; 0 if there is none. */
  lastPlace(): number;
};

/**
 * Creates an inbox in the database that the events change.
 *
 * @param change makes an event's changes; synchronous, because it runs in the transaction that stores the event as
 *   applied. It throws `RejectedEvent` for an event that can never be applied.
 * @example
 * const inbox = sqliteInbox(db, ({ type }) => countOne.run(type));
 */
export function sqliteInbox(db: DatabaseSync, change: (event: DomainEvent) => void): SqliteInbox {
  const note = db.prepare('INSERT INTO inbox (id, event) VALUES (?, ?) ON CONFLICT (id) DO NOTHING');
  const addDeadLetter = db.prepare(
    `INSERT INTO refused (id, reason, at, event) VALUES (?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, event = excluded.event`,
  );
  const list = db.prepare(
    'SELECT reason, at, event FROM refused WHERE (at, id) > (?, ?) ORDER BY at, id LIMIT ?',
  );
  const find = db.prepare('SELECT event FROM refused WHERE id = ?');
  const drop = db.prepare('DELETE FROM refused WHERE id = ?');
  const applied = db.prepare('SELECT place, event FROM inbox WHERE place > ? ORDER BY place LIMIT ?');
  const last = db.prepare('SELECT max(place) AS place FROM inbox');

  return {
    async apply(event) {
      return inTransaction(db, () => {
        if (note.run(event.id, JSON.stringify(event)).changes === 0) return 'duplicate';
        change(event);
        return 'applied';
      });
    },
    async addDeadLetter(event, reason, at) {
      addDeadLetter.run(event.id, reason, at, JSON.stringify(event));
    },
    async deadLetters(limit, after = { at: '', id: '' }) {
      return list.all(after.at, after.id, limit).map(({ reason, at, event }) => ({
        event: parse(event),
        reason: String(reason),
        at: String(at),
      }));
    },
    async findDeadLetter(id) {
      const row = find.get(id);
      return row && parse(row.event);
    },
    async removeDeadLetter(id) {
      drop.run(id);
    },
    applied(after, limit) {
      return applied
        .all(after, limit)
        .map(({ place, event }) => ({ place: Number(place), event: parse(event) }));
    },
    lastPlace() {
      return Number(last.get()?.place ?? 0);
    },
  };
}

function parse(event: unknown): DomainEvent {
  return JSON.parse(String(event)) as DomainEvent;
}
