import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ensureAccount } from './accounts.ts';

/** URL of a server that asks for a password, with its root account. */
const { TEST_MONGODB_ROOT_URL: rootUrl = '' } = process.env;

const account = (database: string, password: string) => {
  const url = new URL(rootUrl);
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

describe('the account of a service', () => {
  it('is left to those who run the server, if that is not the one with the root account', async () => {
    const elsewhere = 'mongodb://users:secret@db.example.com/users';
    expect(await ensureAccount('mongodb://root:secret@mongodb:27017/admin', elsewhere)).toBe('elsewhere');
  });
});

describe.skipIf(!rootUrl)('the account of a service on TEST_MONGODB_ROOT_URL', () => {
  function newDatabase(): string {
    const name = `test-${randomUUID().slice(0, 13)}`;
    onTestFinished(async () => {
      const client = new MongoClient(rootUrl);
      await client
        .db('admin')
        .command({ dropUser: name })
        .catch(() => undefined);
      for (const database of [name, `${name}-sandbox`]) await client.db(database).dropDatabase();
      await client.close();
    });
    return name;
  }

  it('is made once, and may write to its own databases', async () => {
    const name = newDatabase();
    const url = account(name, 'first password');
    expect(await ensureAccount(rootUrl, url)).toBe('made');
    expect(await ensureAccount(rootUrl, url)).toBe('exists');
    await write(url);
    await write(url, `${name}-sandbox`);
  });

  it('gets the password that its URL has now', async () => {
    const name = newDatabase();
    await ensureAccount(rootUrl, account(name, 'first password'));
    const url = account(name, 'p@ss/word');
    expect(await ensureAccount(rootUrl, url)).toBe('made');
    await write(url);
  });

  it('is made once by replicas that start at the same time', async () => {
    const url = account(newDatabase(), 'secret');
    await Promise.all([1, 2, 3].map(() => ensureAccount(rootUrl, url)));
    await write(url);
  });
});
