import type { Transaction } from '@google-cloud/datastore';
import { describe } from 'vitest';
import { type DomainEvent, newEvent } from '../events/events.ts';
import { RefusedEvent } from '../events/inbox.ts';
import { inboxContract } from './contracts/inbox.contract.ts';
import { emulator, newNamespace } from './datastore.fixture.ts';
import { type DatastoreStore, openDatastore } from './datastore.ts';
import type { Bounds } from './datastore-calls.ts';
import { type Changes, datastoreInbox } from './datastore-inbox.ts';

describe.skipIf(!emulator)('on DATASTORE_EMULATOR_HOST', () => {
  inboxContract('datastore', async () => {
    const { url, drop } = newNamespace();
    const stores = await Promise.all([openDatastore(url, []), openDatastore(url, [])]);
    const [first, second] = stores;
    const at = '2026-01-01T00:00:00.000Z';
    return {
      stores: [datastoreInbox(first, countIn(first)), datastoreInbox(second, countIn(second))],
      good: (id) => ({ ...newEvent('test', 'it.happened', {}, id), at }),
      bad: (id) => ({ ...newEvent('test', 'it.happened', { bad: true }, id), at }),
      count: async () => (await first.datastore.get(first.key('Counter', 'only')))[0]?.count ?? 0,
      async close() {
        for (const store of stores) await store.close();
        await drop();
      },
    };
  });
});

/** Counts events in one entity, for which all transactions compete. */
function countIn(store: DatastoreStore) {
  const key = store.key('Counter', 'only');
  return async (events: DomainEvent[], transaction: Transaction, bounds: Bounds): Promise<Changes> => {
    const [counter] = await transaction.get(key, bounds());
    const bad = events.filter(({ data }) => data.bad).map(({ id }) => id);
    transaction.save({ key, data: { count: (counter?.count ?? 0) + events.length - bad.length } });
    return { mark: 1, refused: new Map(bad.map((id) => [id, new RefusedEvent('bad data')])) };
  };
}
