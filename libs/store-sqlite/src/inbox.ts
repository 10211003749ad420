import type { DatabaseSync } from 'node:sqlite';
import type { DomainEvent } from '@slipway/contract-kit/event';
import type { InboxStore } from '@slipway/platform/events/inbox';
import { inTransaction, type Migration } from './database.ts';

/** The table `inbox` has the applied events in the order of their arrival, and `refused` the dead letters. */
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

/** An event with its place in the order of arrival. */
export type AppliedEvent = { place: number; event: DomainEvent };

/** The inbox of an embedded store. */
export type SqliteInbox = InboxStore & {
  /** The events that were applied, in the order of their arrival: at most `limit` after a place. */
  applied(after: number, limit: number): AppliedEvent[];
  /** The place of the newest event; 0 when there is none. */
  lastPlace(): number;
};

/**
 * An inbox in the same file as what the events change.
 *
 * @param change makes an event's changes; runs inside of the transaction that notes the event as applied,
 *   so it is synchronous. It throws `RejectedEvent` for an event that it can never apply.
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
