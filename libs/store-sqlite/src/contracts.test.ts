import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Aggregate, Change } from '@slipway/platform/events/aggregates';
import { aggregatesContract, type OpenAggregates } from '@slipway/platform/events/aggregates.contract';
import { RejectedEvent } from '@slipway/platform/events/inbox';
import { inboxContract } from '@slipway/platform/events/inbox.contract';
import { newEvent } from '@slipway/platform/events/new-event';
import { outboxContract } from '@slipway/platform/events/outbox.contract';
import { idempotencyContract } from '@slipway/platform/http/idempotency.contract';
import { fencedContract } from '@slipway/platform/jobs/fence.contract';
import { jobStoreContract } from '@slipway/platform/jobs/job-store.contract';
import { sqliteAggregates } from './aggregates.ts';
import { inTransaction, type Migration, openSqlite } from './database.ts';
import { idempotencyMigrations, sqliteIdempotency } from './idempotency.ts';
import { inboxMigration, sqliteInbox } from './inbox.ts';
import { jobsMigration, sqliteJobs } from './jobs.ts';
import { outboxMigration, sqliteOutbox } from './outbox.ts';

type Pair = { first: DatabaseSync; second: DatabaseSync; close(): Promise<void> };

/** A new folder for a database, and the function that deletes it. */
function newFile() {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-'));
  return { url: `sqlite:${folder}/test.db`, drop: async () => rmSync(folder, { recursive: true }) };
}

/** Two connections to one new file. */
function file(migrations: Migration[]): Pair {
  const { url, drop } = newFile();
  const [first, second] = [openSqlite(url, migrations), openSqlite(url, migrations)];
  return {
    first,
    second,
    async close() {
      first.close();
      second.close();
      await drop();
    },
  };
}

/** A database in memory has one connection only. */
function memory(migrations: Migration[]): Pair {
  const only = openSqlite('sqlite::memory:', migrations);
  return { first: only, second: only, close: async () => only.close() };
}

const notesTable = {
  name: 'notes',
  sql: `CREATE TABLE notes (
    id TEXT PRIMARY KEY,
    doc TEXT NOT NULL,
    version INTEGER AS (doc ->> 'version'),
    title TEXT AS (doc ->> 'title')
  ) STRICT;
  CREATE UNIQUE INDEX notes_by_title ON notes (title);
  CREATE TABLE tags (tag TEXT PRIMARY KEY) STRICT`,
};

type Note = Aggregate & { title: string };
type Tagged = { tags: string[] };

const noteOf = (id: string, title: string): Change<Note, Tagged> => ({
  next: { id, version: 1, title },
  events: [newEvent('test', 'note.added', {}, `added:${id}`)],
  tags: [`tag of ${id}`],
});

const countTable = { name: 'count', sql: 'CREATE TABLE counted (id TEXT NOT NULL) STRICT' };

for (const [name, open] of Object.entries({ 'sqlite file': file, 'sqlite memory': memory })) {
  idempotencyContract(name, async () => {
    const { first, second, close } = open(idempotencyMigrations);
    return { stores: [sqliteIdempotency(first), sqliteIdempotency(second)], close };
  });

  const openNotes = async (): Promise<OpenAggregates<Note, Tagged>> => {
    const { first, second, close } = open([outboxMigration, notesTable]);
    const notesIn = (db: DatabaseSync) => {
      const insert = db.prepare('INSERT INTO tags VALUES (?)');
      return sqliteAggregates<Note, Tagged>({
        db,
        table: 'notes',
        outbox: sqliteOutbox(db),
        writeAlso: ({ tags }) => tags.forEach((tag) => void insert.run(tag)),
        taken: () => new Error('The title is taken'),
      });
    };
    return { stores: [notesIn(first), notesIn(second)], outbox: sqliteOutbox(second), close };
  };
  const sample = { first: noteOf('1', 'first'), also: { tags: [] } };
  aggregatesContract<Note, Tagged>(name, openNotes, {
    ...sample,
    unique: {
      same: noteOf('2', 'first'),
      free: noteOf('2', 'second'),
      taken: new Error('The title is taken'),
    },
  });
  fencedContract(name, openNotes, sample);

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
        if (data.bad) throw new RejectedEvent('bad data');
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

const jobsIn = (url: string, publishes: boolean) => {
  const db = openSqlite(url, [outboxMigration, jobsMigration]);
  const outbox = sqliteOutbox(db);
  return { jobs: sqliteJobs(db, publishes ? outbox : undefined), outbox, close: async () => db.close() };
};

jobStoreContract('sqlite memory', async () => ({ store: jobsIn('sqlite::memory:', false) }), {
  publishes: false,
});

for (const publishes of [true, false]) {
  jobStoreContract(
    `sqlite file${publishes ? ', with an outbox' : ''}`,
    async () => {
      const { url, drop } = newFile();
      return { store: jobsIn(url, publishes), openAgain: () => jobsIn(url, publishes), drop };
    },
    { publishes },
  );
}
