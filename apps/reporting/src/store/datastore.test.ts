import { jobStoreContract } from '@slipway/platform/jobs/job-store.contract';
import { openDatastore } from '@slipway/store-datastore/database';
import { emulator, newNamespace } from '@slipway/store-datastore/testing/emulator';
import { beforeEach, describe, expect, it } from 'vitest';
import { rebuild } from '../rebuild.ts';
import { paid, started, used } from '../testing/events.ts';
import { rankName } from './figure-names.ts';
import { openStore } from './open.ts';
import { describeRebuild } from './rebuild.contract.ts';
import { type Damage, describeStore, type Opened } from './store.contract.ts';
import type { ReportingStore } from './store.ts';

/** The same store, which drops its data when it is closed. */
function dropping(store: ReportingStore, drop: () => Promise<void>): ReportingStore {
  return {
    ...store,
    close: async () => {
      await store.close();
      await drop();
    },
  };
}

async function damage(url: string, how: Damage): Promise<void> {
  const store = await openDatastore(url, []);
  const [first] = await store.find('Figure', { limit: 1 });
  const name = String(first?.name);
  await store.transaction(async (step) => {
    if (how === 'lost') return step.remove('Figure', [name]);
    const sum = how === 'changed' ? Number(first?.first) + 1 : 1;
    const newName = how === 'changed' ? name : `${name.slice(0, name.lastIndexOf(' '))} nobody`;
    step.save(
      'Figure',
      newName,
      { first: sum, second: Number(first?.second), rank: rankName(newName, sum) },
      ['rank'],
    );
  });
  await store.close();
}

describe.skipIf(!emulator)('on DATASTORE_EMULATOR_HOST', () => {
  const open = async (): Promise<Opened> => {
    const { url, drop } = newNamespace();
    const store = await openStore(url);
    return {
      store: dropping(store, drop),
      damage: (how) => damage(url, how),
      openBeside: () => openStore(url),
      async reopen() {
        await store.close();
        return dropping(await openStore(url), drop);
      },
    };
  };
  describeStore('Datastore', open);
  describeRebuild('Datastore', open);

  jobStoreContract(
    'reporting on Datastore',
    async () => {
      const { url, drop } = newNamespace();
      return { store: await openStore(url), openAgain: () => openStore(url), drop };
    },
    { publishes: false },
  );

  describe('a namespace', () => {
    let namespace: ReturnType<typeof newNamespace>;
    beforeEach(() => {
      namespace = newNamespace();
      return namespace.drop;
    });

    const snapshotsOf = async (kind: string) => {
      const store = await openDatastore(namespace.url, []);
      const found = await store.find(kind, { limit: 1_000 });
      await store.close();
      return [...new Set(found.map(({ name }) => Number(name.split(' ')[0])))];
    };

    it('holds one snapshot of figures after a rebuild', async () => {
      const store = await openStore(namespace.url);
      await store.apply(started({}));
      await rebuild(store);
      await rebuild(store);
      await store.close();
      expect(await snapshotsOf('Figure')).toEqual([3]);
      expect(await snapshotsOf('Subscription')).toEqual([3]);
    });

    it('starts again when all its data is lost, as in a restarted emulator', async () => {
      const store = await openStore(namespace.url);
      await store.apply(used({ quantity: 5 }));
      await namespace.drop();
      expect(await store.largest('usage', 'calls', 1)).toEqual([]);
      await store.apply(used({ quantity: 7 }));
      expect(await store.largest('usage', 'calls', 1)).toMatchObject([{ sums: [7, 1] }]);
      expect(await rebuild(store)).toMatchObject({ equal: true, events: 1 });
      await store.close();
    });

    it('has equal figures after rebuilds during which two replicas counted events', async () => {
      const replicas = [await openStore(namespace.url), await openStore(namespace.url)] as const;
      const count = async (replica: ReportingStore, n: number) => {
        for (let round = 0; round < 10; round += 1) {
          const version = 2 * round + n + 1;
          const events = [...Array.from({ length: 20 }, () => used({})), started({ version }), paid({})];
          await Promise.all(events.map((event) => replica.apply(event)));
        }
      };
      const counting = Promise.all(replicas.map(count));
      const outcomes = [await rebuild(replicas[0]), await rebuild(replicas[1])];
      await counting;
      outcomes.push(await rebuild(replicas[0]));
      expect(outcomes.map(({ equal }) => equal)).toEqual([true, true, true]);
      expect(outcomes[2]?.events).toBe(2 * 10 * 22);
      expect(await replicas[1].largest('usage', 'calls', 1)).toMatchObject([{ sums: [400, 400] }]);
      for (const replica of replicas) await replica.close();
    });
  });
});
