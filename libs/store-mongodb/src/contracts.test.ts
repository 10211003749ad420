import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { outboxContract } from '@slipway/platform/events/outbox.contract';
import { idempotencyContract } from '@slipway/platform/http/idempotency.contract';
import { describe, it } from 'vitest';
import { type MongoStore, openMongo } from './database.ts';
import { mongoIdempotency, mongoIdempotencyMigration } from './idempotency.ts';
import type { MongoMigration } from './migrations.ts';
import { createOutboxIndexes, mongoOutbox, type WithOutbox } from './outbox.ts';

const server = process.env.TEST_MONGODB_URL;

/** Two connections to one new database. */
async function open(migrations: MongoMigration[]) {
  const url = `${server}/platform-${randomUUID()}`;
  const [first, second] = [await openMongo(url, migrations), await openMongo(url, migrations)];
  const close = async () => {
    await first.db.dropDatabase();
    await Promise.all([first.close(), second.close()]);
  };
  return { first, second, close };
}

if (server) {
  idempotencyContract('mongodb', async () => {
    const { first, second, close } = await open([mongoIdempotencyMigration]);
    return { stores: [mongoIdempotency(first), mongoIdempotency(second)], close };
  });

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
