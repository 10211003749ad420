import type { DomainEvent } from '@slipway/contract-kit/event';
import { RejectedEvent } from '@slipway/platform/events/inbox';
import { inboxContract } from '@slipway/platform/events/inbox.contract';
import { newEvent } from '@slipway/platform/events/new-event';
import { jobStoreContract } from '@slipway/platform/jobs/job-store.contract';
import { describe } from 'vitest';
import { openDatastore } from './database.ts';
import type { Step } from './entities.ts';
import { type Changes, datastoreInbox } from './inbox.ts';
import { datastoreJobs } from './jobs.ts';
import { emulator, newNamespace } from './testing/emulator.ts';

describe.skipIf(!emulator)('on DATASTORE_EMULATOR_HOST', () => {
  const openJobs = async (url: string) => {
    const store = await openDatastore(url, []);
    return { jobs: datastoreJobs(store), close: store.close };
  };
  jobStoreContract(
    'datastore',
    async () => {
      const { url, drop } = newNamespace();
      return { store: await openJobs(url), openAgain: () => openJobs(url), drop };
    },
    { publishes: false },
  );

  inboxContract('datastore', async () => {
    const { url, drop } = newNamespace();
    const [first, second] = [await openDatastore(url, []), await openDatastore(url, [])];
    const at = '2026-01-01T00:00:00.000Z';
    return {
      stores: [datastoreInbox(first, countIn), datastoreInbox(second, countIn)],
      good: (id) => ({ ...newEvent('test', 'it.happened', {}, id), at }),
      bad: (id) => ({ ...newEvent('test', 'it.happened', { bad: true }, id), at }),
      count: async () => Number((await first.get('Counter', ['only']))[0]?.count ?? 0),
      async close() {
        await first.close();
        await second.close();
        await drop();
      },
    };
  });
});

/** Counts events in one entity, for which all transactions compete. */
async function countIn(events: DomainEvent[], step: Step): Promise<Changes> {
  const [counter] = await step.get('Counter', ['only']);
  const bad = events.filter(({ data }) => data.bad).map(({ id }) => id);
  step.save('Counter', 'only', { count: Number(counter?.count ?? 0) + events.length - bad.length });
  return { mark: 1, rejected: new Map(bad.map((id) => [id, new RejectedEvent('bad data')])) };
}
