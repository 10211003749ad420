import { randomUUID } from 'node:crypto';
import { ensureAccount } from '@slipway/store-mongodb/accounts';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMongoServer } from '../support/mongo-server.ts';

const { TEST_MONGODB_IMAGE: image = '' } = process.env;
const skipped = image ? '' : ', skipped: TEST_MONGODB_IMAGE is not set';

describe.skipIf(!image)(`the account of a service on a MongoDB server with passwords${skipped}`, () => {
  let server: Awaited<ReturnType<typeof startMongoServer>>;
  beforeAll(async () => {
    server = await startMongoServer(image, randomUUID());
  }, 60_000);
  afterAll(() => server?.remove());

  const account = (database: string, password: string) => {
    const url = new URL(server.url);
    url.username = database;
    url.password = password;
    url.pathname = `/${database}`;
    url.search = '?authSource=admin';
    return url.href;
  };

  async function write(url: string, database?: string): Promise<void> {
    const client = new MongoClient(url, { serverSelectionTimeoutMS: 5_000 });
    try {
      await client.db(database).collection('things').insertOne({});
    } finally {
      await client.close();
    }
  }

  const newDatabase = () => `test-${randomUUID().slice(0, 13)}`;

  it('is made once, and may write to its own databases', async () => {
    const name = newDatabase();
    const url = account(name, 'first password');
    expect(await ensureAccount(server.url, url)).toBe('made');
    expect(await ensureAccount(server.url, url)).toBe('exists');
    await write(url);
    await write(url, `${name}-sandbox`);
  });

  it('gets the password that its URL has now', async () => {
    const name = newDatabase();
    await ensureAccount(server.url, account(name, 'first password'));
    const url = account(name, 'p@ss/word');
    expect(await ensureAccount(server.url, url)).toBe('made');
    await write(url);
  });

  it('is made once by replicas that start at the same time', async () => {
    const url = account(newDatabase(), 'secret');
    await Promise.all(Array.from({ length: 8 }, () => ensureAccount(server.url, url)));
    await write(url);
  });
});
