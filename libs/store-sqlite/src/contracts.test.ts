import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { RefusedEvent } from '@slipway/platform/events/inbox';
import { inboxContract } from '@slipway/platform/events/inbox.contract';
import { newEvent } from '@slipway/platform/events/new-event';
import { outboxContract } from '@slipway/platform/events/outbox.contract';
import { idempotencyContract } from '@slipway/platform/http/idempotency.contract';
import { inTransaction, type Migration, openSqlite } from './database.ts';
import { idempotencyMigration, sqliteIdempotency } from './idempotency.ts';
import { inboxMigration, sqliteInbox } from './inbox.ts';
import { outboxMigration, sqliteOutbox } from './outbox.ts';

type Pair = { first: DatabaseSync; second: DatabaseSync; close(): Promise<void> };

/** Two connections to one new file. */
function file(migrations: Migration[]): Pair {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-'));
  const open = () => openSqlite(`sqlite:${folder}/test.db`, migrations);
  const [first, second] = [open(), open()];
  return {
    first,
    second,
    async close() {
      first.close();
      second.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A database in memory has one connection only. */
function memory(migrations: Migration[]): Pair {
  const only = openSqlite('sqlite::memory:', migrations);
  return { first: only, second: only, close: async () => only.close() };
}

const countTable = { name: 'count', sql: 'CREATE TABLE counted (id TEXT NOT NULL) STRICT' };

for (const [name, open] of Object.entries({ 'sqlite file': file, 'sqlite memory': memory })) {
  idempotencyContract(name, async () => {
    const { first, second, close } = open([idempotencyMigration]);
    return { stores: [sqliteIdempotency(first), sqliteIdempotency(second)], close };
  });

  outboxContract(name, async () => {
    const { first, second, close } = open([outboxMigration]);
    const outbox = sqliteOutbox(first);
    return {
      stores: [outbox, sqliteOutbox(second)],
      write: async (events) => inTransaction(first, () => outbox.add(events)),
      failToWrite: async (events) =>
        inTransaction(first, () => {
          outbox.add(events);
          throw new Error('the aggregate does not fit');
        }),
      close,
    };
  });

  inboxContract(name, async () => {
    const { first, second, close } = open([inboxMigration, countTable]);
    const inboxOn = (db: DatabaseSync) => {
      const insert = db.prepare('INSERT INTO counted VALUES (?)');
      return sqliteInbox(db, ({ id, data }) => {
        insert.run(id);
        if (data.bad) throw new RefusedEvent('bad data');
      });
    };
    const at = '2026-01-01T00:00:00.000Z';
    return {
      stores: [inboxOn(first), inboxOn(second)],
      good: (id) => ({ ...newEvent('test', 'it.happened', {}, id), at }),
      bad: (id) => ({ ...newEvent('test', 'it.happened', { bad: true }, id), at }),
      count: async () => Number(first.prepare('SELECT count(*) AS count FROM counted').get()?.count),
      close,
    };
  });
}
