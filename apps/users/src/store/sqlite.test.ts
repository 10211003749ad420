import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqlite } from '@slipway/store-sqlite/database';
import { outboxMigration } from '@slipway/store-sqlite/outbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from './open.ts';
import { usersMigrations } from './sqlite-schema.ts';
import { describeUsersStore } from './store.contract.ts';

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
  it('writes neither the account nor its event if one of them fails', async () => {
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
    await expect(store.accounts.add({ next: account, events: [event] })).rejects.toThrow('disk full');
    expect(await store.accounts.get('a')).toBeUndefined();
    await store.close();
  });

  it('reads what an earlier version wrote into columns', async () => {
    const url = newUrl();
    const old = openSqlite(url, [outboxMigration, ...usersMigrations.slice(0, 3)]);
    const account = {
      email: 'a@example.com',
      name: 'Zoë "李"',
      passwordHash: '$argon2id$',
      passwordVersion: 2,
    };
    old.exec(`INSERT INTO accounts
      VALUES ('a', '${account.email}', '${account.name}', '${account.passwordHash}', 2, '2030', 7);
    INSERT INTO sessions VALUES ('s', 'a', 2, 'hash', 1, 4102444800000);
    INSERT INTO attempts VALUES ('k', 3, 1, 4102444800000);
    INSERT INTO singles VALUES ('administrators', 4, '{"ids":["a"],"version":4}')`);
    old.close();

    const store = await openStore(url);
    const expected = { id: 'a', ...account, createdAt: '2030', version: 7 };
    expect(await store.accounts.get('a')).toEqual(expected);
    expect(await store.accounts.byEmail(account.email)).toEqual(expected);
    expect(await store.accounts.list(10)).toEqual([expected]);
    const expiresAt = 4_102_444_800_000;
    const times = { refreshedAt: 1, expiresAt };
    const session = { id: 's', accountId: 'a', passwordVersion: 2, tokenHash: 'hash', ...times, version: 1 };
    expect(await store.sessions.get('s')).toEqual(session);
    expect(await store.attempts.get('k')).toEqual({ id: 'k', failures: 3, lastAt: 1, expiresAt, version: 1 });
    const list = { id: 'administrators', ids: ['a'], version: 4 };
    expect(await store.administrators.get('administrators')).toEqual(list);
    await store.close();
  });
});
