import { openDatastore } from '@slipway/platform/store/datastore';
import { emulator, newNamespace } from '@slipway/platform/store/datastore.fixture';
import { describe } from 'vitest';
import type { ReportStore } from '../figures.ts';
import { rankName } from './figure-names.ts';
import { openStore } from './open.ts';
import { type Damage, describeReportStore } from './report-store.contract.ts';

/** The store as it is, but what it is in goes with it. */
function dropping(store: ReportStore, drop: () => Promise<void>): ReportStore {
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
    const itsName = how === 'changed' ? name : `${name.slice(0, name.lastIndexOf(' '))} nobody`;
    step.save(
      'Figure',
      itsName,
      { first: sum, second: Number(first?.second), rank: rankName(itsName, sum) },
      ['rank'],
    );
  });
  await store.close();
}

describe.skipIf(!emulator)('on DATASTORE_EMULATOR_HOST', () => {
  describeReportStore('Datastore', async () => {
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
  });
});
