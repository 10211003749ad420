import type { DatabaseSync } from 'node:sqlite';
import type { DomainEvent } from '../events.ts';
import type { InboxStore } from '../inbox.ts';
import { inTransaction, type Migration } from './sqlite.ts';

/** `inbox` keeps what was applied, in the order of arrival; `refused` what could not be. */
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

/** The inbox of an embedded store. */
export type SqliteInbox = InboxStore & {
  /** All events that were applied, in the order of their arrival, read one by one. */
  applied(): IterableIterator<DomainEvent>;
};

/**
 * An inbox in the same file as what the events change.
 *
 * @param change makes an event's changes; runs inside of the transaction that notes the event as applied,
 *   so it is synchronous. It throws `RefusedEvent` for an event that it cannot take for good.
 * @example
 * const inbox = sqliteInbox(db, ({ type }) => countOne.run(type));
 */
export function sqliteInbox(db: DatabaseSync, change: (event: DomainEvent) => void): SqliteInbox {
  const note = db.prepare('INSERT INTO inbox (id, event) VALUES (?, ?) ON CONFLICT (id) DO NOTHING');
  const setAside = db.prepare(
    `INSERT INTO refused (id, reason, at, event) VALUES (?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, event = excluded.event`,
  );
  const list = db.prepare(
    'SELECT reason, at, event FROM refused WHERE (at, id) > (?, ?) ORDER BY at, id LIMIT ?',
  );
  const find = db.prepare('SELECT event FROM refused WHERE id = ?');
  const drop = db.prepare('DELETE FROM refused WHERE id = ?');

  return {
    async apply(event) {
      return inTransaction(db, () => {
        if (note.run(event.id, JSON.stringify(event)).changes === 0) return 'duplicate';
        change(event);
        return 'applied';
      });
    },
    async setAside(event, reason, at) {
      setAside.run(event.id, reason, at, JSON.stringify(event));
    },
    async refused(limit, after = { at: '', id: '' }) {
      return list.all(after.at, after.id, limit).map(({ reason, at, event }) => ({
        event: parse(event),
        reason: String(reason),
        at: String(at),
      }));
    },
    async findRefused(id) {
      const row = find.get(id);
      return row && parse(row.event);
    },
    async dropRefused(id) {
      drop.run(id);
    },
    *applied() {
      // A statement of its own: a shared one would start again when two readers use it at a time.
      for (const { event } of db.prepare('SELECT event FROM inbox ORDER BY place').iterate())
        yield parse(event);
    },
  };
}

function parse(event: unknown): DomainEvent {
  return JSON.parse(String(event)) as DomainEvent;
}
