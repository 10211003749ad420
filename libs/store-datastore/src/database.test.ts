import { StartError } from '@slipway/platform/core/start-error';
import { type FaultyProxy, faultyProxy } from '@slipway/platform/testing/faulty-proxy';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openDatastore } from './database.ts';
import type { DatastoreStore } from './entities.ts';
import type { DatastoreMigration } from './migrations.ts';
import { emulator, newNamespace } from './testing/emulator.ts';

describe('the URL of a Datastore', () => {
  it.each(['datastore://', 'datastore:slipway', 'datastore://slipway/a/b', 'datastore://slipway/a b'])(
    'is refused if it is %s',
    async (url) => {
      await expect(openDatastore(url, [])).rejects.toThrow(StartError);
    },
  );
});

describe.skipIf(!emulator)('on DATASTORE_EMULATOR_HOST', () => {
  let namespace: ReturnType<typeof newNamespace>;
  const opened: DatastoreStore[] = [];
  const open = async (migrations: DatastoreMigration[] = []) => {
    const store = await openDatastore(namespace.url, migrations);
    opened.push(store);
    return store;
  };
  beforeEach(() => {
    namespace = newNamespace();
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await namespace.drop();
  });

  it('is reached without the proxy that the environment names', async () => {
    vi.stubEnv('http_proxy', 'http://127.0.0.1:9');
    try {
      const store = await open();
      await expect(store.ping()).resolves.toBeUndefined();
    } finally {
      vi.unstubAllEnvs();
    }
  });

  describe('a migration', () => {
    const adding = (name: string): DatastoreMigration => ({
      name,
      up: (store) =>
        store.transaction(async (step) => {
          const [found] = await step.get('Run', [name]);
          step.save('Run', name, { times: Number(found?.times ?? 0) + 1 });
        }),
    });
    const runs = async (store: DatastoreStore) =>
      (await store.find('Run', { limit: 10 })).map(({ name, times }) => [name, times]);

    it('runs once, however many replicas start at the same time', async () => {
      const [store] = await Promise.all([1, 2, 3].map(() => open([adding('a'), adding('b')])));
      expect(store && (await runs(store))).toEqual([
        ['a', 1],
        ['b', 1],
      ]);
    });

    it('that is new runs beside a replica of the previous version, which can start again', async () => {
      await open([adding('a')]);
      const store = await open([adding('a'), adding('b')]);
      await open([adding('a')]);
      expect(await runs(store)).toEqual([
        ['a', 1],
        ['b', 1],
      ]);
    });

    it('that fails stops the start with a sentence, and the next start runs it again', async () => {
      const up = () => Promise.reject(new Error('a is not ready'));
      const sentence =
        /^The migration b of the Datastore failed: a is not ready\. It runs again at the next start\.$/;
      const failing = open([adding('a'), { name: 'b', up }]);
      await expect(failing).rejects.toThrow(
        expect.objectContaining({ name: 'StartError', message: expect.stringMatching(sentence) }),
      );
      const store = await open([adding('a'), adding('b')]);
      expect(await runs(store)).toEqual([
        ['a', 1],
        ['b', 1],
      ]);
    });
  });

  describe('a transaction', () => {
    it('is repeated when it loses against another: 10 rivals all add, and nothing is lost', async () => {
      const stores = await Promise.all([open(), open()]);
      const add = (store: DatastoreStore) =>
        store.transaction(async (step) => {
          const [found] = await step.get('Counter', ['only']);
          step.save('Counter', 'only', { count: Number(found?.count ?? 0) + 1 });
        });
      await Promise.all(Array.from({ length: 5 }, () => stores.map(add)).flat());
      expect(await stores[0].get('Counter', ['only'])).toEqual([expect.objectContaining({ count: 10 })]);
    });

    it('changes nothing if it throws', async () => {
      const store = await open();
      const failing = store.transaction(async (step) => {
        step.save('Note', 'a', {});
        throw new Error('second thoughts');
      });
      await expect(failing).rejects.toThrow('second thoughts');
      expect(await store.get('Note', ['a'])).toEqual([]);
    });
  });

  describe('when the connection to the server is bad', () => {
    let way: FaultyProxy;
    let store: DatastoreStore;
    beforeEach(async () => {
      way = await faultyProxy(emulator ?? '');
      vi.stubEnv('DATASTORE_EMULATOR_HOST', way.address);
      store = await open();
      vi.stubEnv('DATASTORE_EMULATOR_HOST', emulator);
    });
    afterEach(() => way.close());

    const unavailable = expect.objectContaining({ code: 'unavailable', retryAfter: 1 });
    const save = (name: string) => store.transaction(async (step) => step.save('Note', name, {}));

    it.each(['unreachable', 'black hole'] as const)(
      '(%s) it answers in bounded time, and is back by itself',
      async (how) => {
        await save('before');
        await way.set(how);
        const startedAt = performance.now();
        const steps = Array.from({ length: 20 }, () => save('during'));
        for (const outcome of await Promise.allSettled(steps)) {
          expect(outcome).toEqual({ status: 'rejected', reason: unavailable });
        }
        await expect(store.ping()).rejects.toThrow(unavailable);
        expect(performance.now() - startedAt).toBeLessThan(4_000);
        await way.set('none');
        await vi.waitUntil(
          () =>
            store.ping().then(
              () => true,
              () => false,
            ),
          { timeout: 10_000, interval: 50 },
        );
        await save('after');
      },
    );

    it('rejects further commands while too many are waiting', async () => {
      await way.set('black hole');
      const steps = await Promise.allSettled(Array.from({ length: 501 }, () => store.get('Note', ['a'])));
      const details = steps.map((step) => step.status === 'rejected' && step.reason.message);
      expect(details.filter((detail) => detail === 'Too many commands wait for the store')).toHaveLength(1);
    });
  });
});
