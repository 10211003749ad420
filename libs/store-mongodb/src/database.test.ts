import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { StartError } from '@slipway/platform/core/start-error';
import { type FaultyProxy, faultyProxy } from '@slipway/platform/testing/faulty-proxy';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MongoStore, openMongo } from './database.ts';
import { isDuplicate } from './errors.ts';
import type { MongoMigration } from './migrations.ts';

const server = process.env.TEST_MONGODB_URL;

/** The sentence with which an opening fails; anything but a StartError fails the test. */
async function refusal(opening: Promise<MongoStore>): Promise<string> {
  const error = await opening.then(
    () => new Error('the database was opened'),
    (error: Error) => error,
  );
  expect(error).toBeInstanceOf(StartError);
  return error.message;
}

it('says in one sentence that the server cannot be reached, without the password', async () => {
  const url = 'mongodb://zoe:secret@127.0.0.1:9/users';
  expect(await refusal(openMongo(url, [], { connectWithin: 0 }))).toBe(
    'The database at 127.0.0.1:9 cannot be used: connect ECONNREFUSED 127.0.0.1:9.',
  );
});

it('says in one sentence that the address cannot be used, without the password', async () => {
  expect(await refusal(openMongo('mongodb://zoe:secret@db', []))).toBe(
    'STORE_URL must name a database: mongodb://<host>/<database>.',
  );
  expect(await refusal(openMongo('mongodb://zoe:secret@db/users?colour=red', []))).toBe(
    'STORE_URL cannot be used: option colour is not supported.',
  );
});

describe.skipIf(!server)('MongoDB', () => {
  let url: string;
  let mongo: MongoStore;
  beforeEach(async () => {
    url = `${server}/platform-${randomUUID()}`;
    mongo = await openMongo(url, []);
  });
  afterEach(async () => {
    await mongo.db.dropDatabase();
    await mongo.close();
  });

  it('says immediately that the credentials are wrong, without repeating them', async () => {
    const { host } = new URL(url);
    const startedAt = performance.now();
    expect(await refusal(openMongo(`mongodb://zoe:secret@${host}/users`, []))).toBe(
      `The database at ${host} cannot be used: Authentication failed.`,
    );
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('loses no write when a server or its power fails: a majority has it, in the journal', () => {
    expect(mongo.db.writeConcern).toMatchObject({ w: 'majority', journal: true });
    expect(mongo.db.readConcern).toMatchObject({ level: 'majority' });
  });

  it('is reached at an address of IPv6 alone', async () => {
    const { hostname, port } = new URL(url);
    const onlyIPv6 = createServer((socket) => {
      const onward = connect(Number(port), hostname);
      socket.pipe(onward).pipe(socket);
      for (const each of [socket, onward])
        each.on('error', () => [socket, onward].map((end) => end.destroy()));
    }).listen({ port: 0, host: '::1', ipv6Only: true });
    await once(onlyIPv6, 'listening');
    const { port: forwarded } = onlyIPv6.address() as AddressInfo;
    const elsewhere = openMongo(`mongodb://127.0.0.1:${forwarded}/users`, [], { connectWithin: 0 });
    expect(await refusal(elsewhere)).toContain('ECONNREFUSED');
    const store = await openMongo(`mongodb://[::1]:${forwarded}/${mongo.db.databaseName}`, []);
    await store.ping();
    await store.close();
    onlyIPv6.close();
  });

  describe('migrations', () => {
    const note = (name: string): MongoMigration => ({
      name,
      up: async (db) => void (await db.collection('notes').insertOne({ name })),
    });
    const notes = async () => (await mongo.db.collection('notes').find().toArray()).map(({ name }) => name);
    const open = async (migrations: MongoMigration[]) => (await openMongo(url, migrations)).close();

    it('run once each, in order, over replicas that start at the same time', async () => {
      await Promise.all(Array.from({ length: 6 }, () => open([note('1'), note('2'), note('3')])));
      expect(await notes()).toEqual(['1', '2', '3']);
    });

    it('run only if the database does not have them', async () => {
      await open([note('1')]);
      await open([note('1'), note('2')]);
      expect(await notes()).toEqual(['1', '2']);
    });

    it('of a newer version do not stop an older one from starting', async () => {
      await open([note('1'), note('2')]);
      await open([note('1')]);
      expect(await notes()).toEqual(['1', '2']);
    });

    it('stop the start when one fails, with a sentence, and continue from there at the next', async () => {
      const broken = {
        name: '2',
        up: async () => {
          throw new Error('the disk is full');
        },
      };
      expect(await refusal(openMongo(url, [note('1'), broken, note('3')]))).toBe(
        'The migration 2 of the database failed: the disk is full. It runs again at the next start.',
      );
      await open([note('1'), note('2'), note('3')]);
      expect(await notes()).toEqual(['1', '2', '3']);
    });

    it('wait for the replica that runs them', async () => {
      const locks = mongo.collection('migrations');
      await locks.insertOne({ _id: 'lock', by: 'another', until: Date.now() + 60_000 });
      const opened = open([note('1')]);
      await Promise.race([opened, wait(700)]);
      expect(await notes()).toEqual([]);
      await locks.deleteOne({ _id: 'lock' });
      await opened;
      expect(await notes()).toEqual(['1']);
    });

    it('do not wait for a replica that died while it ran them', async () => {
      await mongo.collection('migrations').insertOne({ _id: 'lock', by: 'dead', until: Date.now() - 1 });
      await open([note('1')]);
      expect(await notes()).toEqual(['1']);
    });
  });

  it('counts its connections', async () => {
    const before = mongo.connections();
    expect(before).toMatchObject({ busy: 0, waiting: 0 });
    const busy: number[] = [];
    mongo.db.client.on('connectionCheckedOut', () => busy.push(mongo.connections().busy));
    await Promise.all(Array.from({ length: 60 }, () => mongo.ping()));
    expect(busy).toHaveLength(60);
    expect(Math.max(...busy)).toBeGreaterThan(1);
    expect(mongo.connections()).toMatchObject({ busy: 0, waiting: 0 });
    expect(mongo.connections().open).toBeGreaterThan(0);
    expect(mongo.connections().open).toBeLessThanOrEqual(50);
  });

  it('throws a response of the server unchanged', async () => {
    const put = () => mongo.command((options) => mongo.collection('one').insertOne({ _id: 'one' }, options));
    await put();
    expect(isDuplicate(await put().catch((error) => error))).toBe(true);
    const wrong = mongo.command((options) => mongo.db.command({ nonsense: 1 }, options));
    await expect(wrong).rejects.toMatchObject({ code: 59 });
  });
});

describe.skipIf(!server)('MongoDB over a bad line', () => {
  let proxy: FaultyProxy;
  let mongo: MongoStore;
  beforeAll(async () => {
    proxy = await faultyProxy(new URL(server ?? '').host);
    mongo = await openMongo(`mongodb://${proxy.address}/platform-${randomUUID()}`, []);
  });
  afterAll(async () => {
    await mongo.db.dropDatabase();
    await mongo.close();
    await proxy.close();
  });

  const write = () =>
    mongo.command((options) => mongo.collection('notes').insertOne({ _id: randomUUID() }, options));
  /** How a command ends, and after how many milliseconds. */
  const timed = async (work: () => Promise<unknown>) => {
    const startedAt = performance.now();
    const error = await work().then(
      () => undefined,
      (error) => error,
    );
    return { error, ms: performance.now() - startedAt };
  };

  it.for(['black hole', 'reset', 'slow', 'unreachable'] as const)(
    'answers in time when it is a case of: %s; and works again by itself',
    { timeout: 30_000 },
    async (fault) => {
      await write();
      await proxy.set(fault);
      const unavailable = { code: 'unavailable', status: 503, retryAfter: 1 };
      for (const work of [write, mongo.ping]) {
        const { error, ms } = await timed(work);
        expect(error).toMatchObject(unavailable);
        expect(ms).toBeLessThan(3_000);
      }
      const crowd = await Promise.all(Array.from({ length: 1_000 }, () => timed(write)));
      expect(crowd.map(({ error }) => error)).toEqual(
        Array(1_000).fill(expect.objectContaining(unavailable)),
      );
      expect(Math.max(...crowd.map(({ ms }) => ms))).toBeLessThan(4_000);
      // Sooner than any that was let in could find out that there is no server.
      expect(crowd.filter(({ ms }) => ms < 1_000).length).toBeGreaterThanOrEqual(500);

      await proxy.set('none');
      await expect.poll(() => timed(write), { timeout: 10_000 }).toMatchObject({ error: undefined });
      await expect.poll(() => mongo.connections(), { timeout: 5_000 }).toMatchObject({ busy: 0, waiting: 0 });
    },
  );
});
