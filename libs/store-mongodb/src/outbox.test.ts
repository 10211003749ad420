import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { newEvent } from '@slipway/platform/events/new-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type MongoStore, openMongo } from './database.ts';
import { createOutboxIndexes, type MongoOutbox, mongoOutbox, type WithOutbox } from './outbox.ts';

const server = process.env.TEST_MONGODB_URL;
const eventOf = (id: string) => newEvent('test', 'it.happened', {}, id);

describe.skipIf(!server)('the outbox inside of documents', () => {
  let mongo: MongoStore;
  let outbox: MongoOutbox;
  beforeEach(async () => {
    const up = async (db: MongoStore['db']) => createOutboxIndexes(db, 'orders');
    mongo = await openMongo(`${server}/platform-${randomUUID()}`, [{ name: '1', up }]);
    outbox = mongoOutbox(mongo, ['orders', 'parcels']);
  });
  afterEach(async () => {
    vi.useRealTimers();
    await mongo.db.dropDatabase();
    await mongo.close();
  });

  const orders = () => mongo.collection<{ _id: string } & WithOutbox>('orders');
  const parcels = () => mongo.collection<{ _id: string } & WithOutbox>('parcels');
  const placed = (places: Record<string, number>) =>
    Object.entries(places).map(([id, place]) => ({ place, event: eventOf(id) }));
  const pending = async (limit = 100) => (await outbox.pending(limit)).map(({ id }) => id);

  it('merges the events of all documents by their positions', async () => {
    await orders().insertOne({ _id: 'a', outbox: placed({ first: 1, fourth: 4 }) });
    await orders().insertOne({ _id: 'b', outbox: placed({ third: 3 }) });
    await parcels().insertOne({ _id: 'a', outbox: placed({ second: 2, fifth: 5 }) });
    expect(await pending()).toEqual(['first', 'second', 'third', 'fourth', 'fifth']);
    expect(await pending(3)).toEqual(['first', 'second', 'third']);
    expect(await outbox.backlog()).toMatchObject({ depth: 5 });
  });

  it('keeps the order within a document when the clocks of two replicas differ', async () => {
    await orders().insertOne({ _id: 'a', outbox: placed({ begun: 10, ended: 5 }) });
    await orders().insertOne({ _id: 'b', outbox: placed({ other: 7 }) });
    expect(await pending()).toEqual(['other', 'begun', 'ended']);
    expect(await pending(2)).toEqual(['other', 'begun']);
  });

  it('gives later writes later positions, also when the clock is set back', async () => {
    const write = (id: string) =>
      outbox.write([eventOf(id)], (outbox) => orders().insertOne({ _id: id, outbox }));
    await write('first');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 60_000 });
    await write('second');
    vi.useRealTimers();
    await write('third');
    expect(await pending()).toEqual(['first', 'second', 'third']);
  });

  it('asks only the collection from which it read an event to remove it', async () => {
    const counted = vi.fn(mongo.command);
    const counting = mongoOutbox({ ...mongo, command: counted as typeof mongo.command }, [
      'orders',
      'parcels',
    ]);
    await parcels().insertOne({ _id: 'a', outbox: placed({ sent: 1 }) });
    await orders().insertOne({ _id: 'a', outbox: placed({ paid: 2 }) });
    const toRemove = async (id: string) => {
      counted.mockClear();
      await counting.delivered([id]);
      return counted.mock.calls.length;
    };
    const unread = await toRemove('paid');
    await counting.pending(100);
    expect(await toRemove('sent')).toBeLessThan(unread);
    expect(await pending()).toEqual([]);
  });

  it('leaves nothing of a removed aggregate once its last event is delivered', async () => {
    await orders().insertOne({ _id: 'gone', removed: true, outbox: placed({ begun: 1, ended: 2 }) });
    await orders().insertOne({ _id: 'there', outbox: placed({ told: 3 }) });
    await outbox.delivered(['begun']);
    expect(await orders().countDocuments()).toBe(2);
    await outbox.delivered(['ended', 'told']);
    expect(await orders().find().toArray()).toEqual([{ _id: 'there', outbox: [] }]);
  });
});
