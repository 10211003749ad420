import { randomUUID } from 'node:crypto';
import process from 'node:process';
import type { Aggregate, Change } from '@slipway/platform/events/aggregates';
import { aggregatesContract, type OpenAggregates } from '@slipway/platform/events/aggregates.contract';
import { newEvent } from '@slipway/platform/events/new-event';
import { outboxContract } from '@slipway/platform/events/outbox.contract';
import { idempotencyContract } from '@slipway/platform/http/idempotency.contract';
import { fencedContract } from '@slipway/platform/jobs/fence.contract';
import { jobStoreContract } from '@slipway/platform/jobs/job-store.contract';
import { describe, it } from 'vitest';
import { flat, mongoAggregates } from './aggregates.ts';
import { type MongoStore, openMongo } from './database.ts';
import { mongoIdempotency, mongoIdempotencyMigrations } from './idempotency.ts';
import { jobsCollection, mongoJobs, mongoJobsMigration } from './jobs.ts';
import type { MongoMigration } from './migrations.ts';
import { createOutboxIndexes, mongoOutbox, type WithOutbox } from './outbox.ts';

const server = process.env.TEST_MONGODB_URL;

const newUrl = () => `${server}/platform-${randomUUID()}`;

async function drop(url: string) {
  const { db, close } = await openMongo(url, []);
  await db.dropDatabase();
  await close();
}

/** Two connections to one new database. */
async function open(migrations: MongoMigration[]) {
  const url = newUrl();
  const [first, second] = [await openMongo(url, migrations), await openMongo(url, migrations)];
  const close = async () => {
    await Promise.all([first.close(), second.close()]);
    await drop(url);
  };
  return { first, second, close };
}

if (server) {
  idempotencyContract('mongodb', async () => {
    const { first, second, close } = await open(mongoIdempotencyMigrations);
    return { stores: [mongoIdempotency(first), mongoIdempotency(second)], close };
  });

  for (const publishes of [true, false]) {
    const openJobs = async (url: string) => {
      const store = await openMongo(url, publishes ? [mongoJobsMigration] : []);
      const outbox = publishes ? mongoOutbox(store, [jobsCollection]) : undefined;
      return { jobs: mongoJobs(store, outbox), outbox, close: store.close };
    };
    jobStoreContract(
      `mongodb${publishes ? ', with an outbox' : ''}`,
      async () => {
        const url = newUrl();
        return { store: await openJobs(url), openAgain: () => openJobs(url), drop: () => drop(url) };
      },
      { publishes },
    );
  }

  const notes: MongoMigration = {
    name: 'notes-1',
    async up(db) {
      await db.createIndex('notes', { title: 1 }, { unique: true, sparse: true });
      await createOutboxIndexes(db, 'notes');
    },
  };
  type Note = Aggregate & { title: string };
  type Tagged = { tags: string[] };
  const noteOf = (id: string, title: string): Change<Note, Tagged> => ({
    next: { id, version: 1, title },
    events: [newEvent('test', 'note.added', {}, `added:${id}`)],
    tags: [`tag of ${id}`],
  });
  const first = noteOf('1', 'first');

  const layouts = {
    nested: { writeAlso: ({ next: { title }, tags }: typeof first) => ({ set: { title }, push: { tags } }) },
    flat: { layout: flat<Note>() },
  };
  for (const [name, layout] of Object.entries(layouts)) {
    const openNotes = async (): Promise<OpenAggregates<Note, Tagged>> => {
      const { first, second, close } = await open([notes]);
      const notesIn = (store: MongoStore) =>
        mongoAggregates<Note, Tagged>({
          store,
          collection: 'notes',
          ...layout,
          outbox: mongoOutbox(store, ['notes']),
          taken: () => new Error('The title is taken'),
        });
      const outbox = mongoOutbox(second, ['notes']);
      return { stores: [notesIn(first), notesIn(second)], outbox, close };
    };
    const sample = { first, also: { tags: [] } };
    aggregatesContract<Note, Tagged>(`mongodb, ${name}`, openNotes, {
      ...sample,
      unique: {
        same: noteOf('2', 'first'),
        free: noteOf('2', 'second'),
        taken: new Error('The title is taken'),
      },
    });
    fencedContract(`mongodb, ${name}`, openNotes, sample);
  }

  const openWithoutEvents = async (): Promise<OpenAggregates<Note, unknown>> => {
    const { first, second, close } = await open([]);
    const notesIn = (store: MongoStore) =>
      mongoAggregates<Note>({ store, collection: 'notes', layout: flat() });
    return { stores: [notesIn(first), notesIn(second)], close };
  };
  const sample = { first: { next: first.next, events: [] }, also: {} };
  aggregatesContract('mongodb, without events', openWithoutEvents, sample);
  fencedContract('mongodb, without events', openWithoutEvents, sample);

  const collections = ['one', 'other'];
  outboxContract('mongodb', async () => {
    const { first, second, close } = await open([
      {
        name: 'outboxes-1',
        async up(db) {
          for (const each of collections) await createOutboxIndexes(db, each);
        },
      },
    ]);
    const outbox = mongoOutbox(first, collections);
    let writes = 0;
    const insert = (mongo: MongoStore, _id: string, placed: WithOutbox['outbox']) =>
      mongo.command((options) =>
        mongo
          .collection<{ _id: string } & WithOutbox>(collections[writes % 2] ?? '')
          .insertOne({ _id, outbox: placed }, options),
      );
    return {
      stores: [outbox, mongoOutbox(second, collections)],
      async write(events) {
        writes += 1;
        await outbox.write(events, (placed) => insert(first, `aggregate-${writes}`, placed));
      },
      failToWrite: async (events) =>
        outbox.write(events, async (placed) => {
          await insert(first, 'taken', []);
          await insert(first, 'taken', placed);
        }),
      close,
    };
  });
} else {
  describe('the stores on MongoDB', () => {
    it.skip('are not tested: TEST_MONGODB_URL is not set');
  });
}
