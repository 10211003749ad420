import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { newEvent } from '@slipway/platform/events/new-event';
import { openMongo } from '@slipway/store-mongodb/database';
import { afterAll, describe, expect, it } from 'vitest';
import { openStore } from './open.ts';
import { describeUsersStore } from './store.contract.ts';

const server = process.env.TEST_MONGODB_URL;

if (server) {
  const urls: string[] = [];
  const newUrl = () => {
    const url = `${server}/users-${randomUUID()}`;
    urls.push(url);
    return url;
  };
  afterAll(async () => {
    for (const url of urls) {
      const { db, close } = await openMongo(url, []);
      await db.dropDatabase();
      await close();
    }
  }, 60_000);

  describeUsersStore('MongoDB', async () => {
    const url = newUrl();
    return { store: await openStore(url), openAgain: () => openStore(url) };
  });

  describe('the users store on MongoDB', () => {
    const account = (id: string) => ({
      id,
      email: `${id}@example.com`,
      name: 'Ada',
      passwordHash: 'hash',
      passwordVersion: 1,
      createdAt: '2030-01-01T00:00:00.000Z',
      version: 1,
    });

    it('stores only the waiting events of removed accounts, until they are delivered', async () => {
      const url = newUrl();
      const store = await openStore(url);
      const { db, close } = await openMongo(url, []);
      for (const id of ['a', 'b']) {
        const signedUp = newEvent('users', 'user.signed_up', {}, `up ${id}`);
        await store.accounts.add({ next: account(id), events: [signedUp] });
        const events = [newEvent('users', 'user.deleted', {}, `down ${id}`)];
        await store.accounts.remove(id, { version: 1, events });
        expect(await store.accounts.get(id)).toBeUndefined();
      }
      expect(await store.accounts.list(10)).toEqual([]);
      expect(JSON.stringify(await db.collection('accounts').find().toArray())).not.toContain('@example.com');

      const waiting = (await store.outbox.pending(10)).map(({ id }) => id);
      expect(waiting).toEqual(['up a', 'down a', 'up b', 'down b']);
      await store.outbox.delivered(waiting.slice(0, 3));
      expect(await db.collection('accounts').countDocuments()).toBe(1);
      await store.outbox.delivered(waiting);
      expect(await db.collection('accounts').countDocuments()).toBe(0);
      await Promise.all([store.close(), close()]);
    });

    it('works beside the previous release, whose sessions and attempts have no version', async () => {
      const url = newUrl();
      const store = await openStore(url);
      const { db, collection, close } = await openMongo(url, []);
      const expiresAt = new Date('2100-01-01');
      const session = { accountId: 'a', passwordVersion: 1, tokenHash: 'old', refreshedAt: 1, expiresAt };
      await collection('sessions').insertOne({ _id: 's', ...session });
      await collection('attempts').insertOne({ _id: 'k', failures: 3, lastAt: 1, expiresAt });
      const single = { version: 2, content: { ids: ['a'], version: 2 } };
      await collection('singles').insertOne({ _id: 'administrators', ...single });

      const found = await store.sessions.get('s');
      expect(found).toEqual({ id: 's', ...session, expiresAt: expiresAt.getTime(), version: 0 });
      if (!found) return;
      const change = { next: { ...found, tokenHash: 'new', version: 1 }, events: [] };
      expect([await store.sessions.replace(change), await store.sessions.replace(change)]).toEqual([
        true,
        false,
      ]);
      expect(await db.collection('sessions').findOne()).toMatchObject({ tokenHash: 'new', expiresAt });
      expect(await store.attempts.remove('k', { version: 0 })).toBe(true);

      const next = { id: 'administrators', ids: ['a', 'b'], version: 3 };
      expect(await store.administrators.replace({ next, events: [] })).toBe(true);
      expect(await db.collection('singles').findOne()).toEqual({
        _id: 'administrators',
        version: 3,
        content: { ids: ['a', 'b'], version: 3 },
      });
      await Promise.all([store.close(), close()]);
    });

    it('has the server delete what has expired', async () => {
      const url = newUrl();
      const store = await openStore(url);
      const { db, close } = await openMongo(url, []);
      for (const collection of ['sessions', 'attempts']) {
        expect(await db.collection(collection).indexes()).toContainEqual(
          expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }),
        );
      }
      const expiresAt = Date.parse('2100-01-01');
      const session = { accountId: 'a', passwordVersion: 1, tokenHash: '', refreshedAt: 1, expiresAt };
      await store.sessions.add({ next: { ...session, id: 'session', version: 1 }, events: [] });
      const attempts = { id: 'key', failures: 1, lastAt: 1, expiresAt, version: 1 };
      await store.attempts.add({ next: attempts, events: [] });
      for (const collection of ['sessions', 'attempts']) {
        expect(await db.collection(collection).findOne()).toMatchObject({ expiresAt: new Date(expiresAt) });
      }
      await Promise.all([store.close(), close()]);
    });
  });
} else {
  describe('the users store on MongoDB', () => {
    it.skip('is not tested: TEST_MONGODB_URL is not set');
  });
}
