import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from './open.ts';
import { describeUsersStore } from './users-store.contract.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'users-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
const newUrl = () => `sqlite:${join(folder, `${++files}.db`)}`;

describeUsersStore('SQLite in memory', async () => ({ store: await openStore('sqlite::memory:') }));

describeUsersStore('SQLite in a file', async () => {
  const url = newUrl();
  return { store: await openStore(url), openAgain: () => openStore(url) };
});

describe('the users store on SQLite', () => {
  it('writes neither the account nor its event when one of both fails', async () => {
    const url = newUrl();
    const store = await openStore(url);
    const breaker = new DatabaseSync(url.replace('sqlite:', ''));
    breaker.exec(`CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'disk full'); END`);
    breaker.close();
    const account = {
      id: 'a',
      email: 'a@example.com',
      name: 'A',
      passwordHash: '',
      passwordVersion: 1,
      createdAt: '',
      version: 1,
    };
    const event = { id: 'e', type: 'user.signed_up', at: '', source: 'users', data: {} };
    await expect(store.createAccount(account, [event])).rejects.toThrow('disk full');
    expect(await store.accountById('a')).toBeUndefined();
    await store.close();
  });

  it('forgets what has expired', async () => {
    const store = await openStore('sqlite::memory:');
    const session = { accountId: 'a', passwordVersion: 1, tokenHash: '' };
    await store.createSession({ ...session, id: 'old', refreshedAt: 1, expiresAt: 10 });
    await store.createSession({ ...session, id: 'new', refreshedAt: 10, expiresAt: 20 });
    expect(await store.sessionById('old')).toBeUndefined();
    await store.replaceAttempts({ key: 'old', failures: 1, lastAt: 1, expiresAt: 10 }, 0);
    await store.replaceAttempts({ key: 'new', failures: 1, lastAt: 10, expiresAt: 20 }, 0);
    expect(await store.attempts('old')).toBeUndefined();
    await store.close();
  });
});
