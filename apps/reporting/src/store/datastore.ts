import { problem } from '@slipway/contracts/errors';
import { openDatastore } from '@slipway/store-datastore/database';
import type { Reads } from '@slipway/store-datastore/entities';
import { type AppliedEvent, datastoreInbox } from '@slipway/store-datastore/inbox';
import { datastoreJobs } from '@slipway/store-datastore/jobs';
import type { Figure, ReportedEvent } from '../figures.ts';
import {
  compareFigures,
  countEvents,
  dropFiguresBefore,
  largestFigures,
  listFigures,
} from './datastore-figures.ts';
import {
  readBuilding,
  readProgress,
  readSnapshots,
  snapshotsMigration,
  writeProgress,
  writeSnapshots,
} from './datastore-snapshots.ts';
import type { ReportingStore } from './store.ts';

/** Number of figures compared or deleted in one step. */
const batchSize = 500;

/**
 * Opens the store of reporting on Google Datastore. The transaction that counts an event also stores it by its id,
 * together with the newest snapshot that it was counted in. A rebuild counts the events of older snapshots.
 *
 * @param url `datastore://<project>` or `datastore://<project>/<namespace>`
 * @throws {StartError} if Datastore cannot be used.
 */
export async function openDatastoreStore(url: string): Promise<ReportingStore> {
  const store = await openDatastore(url, [snapshotsMigration]);
  const inbox = datastoreInbox(store, async (events, step) => {
    const { current, building } = await readSnapshots(step);
    const snapshots = building === undefined ? [current] : [current, building];
    const rejected = await countEvents(step, events as ReportedEvent[], snapshots);
    return { mark: building ?? current, rejected };
  });

  /** Reads from the current snapshot, in one transaction because a rebuild may replace it between two commands. */
  const readCurrent = (read: (reads: Reads, snapshot: number) => Promise<Figure[]>) =>
    store.readOnlyTransaction(async (reads) => read(reads, (await readSnapshots(reads)).current));

  /** Returns whether `other` has all figures of a snapshot with the same sums. Reads them in batches. */
  async function contains(other: number, snapshot: number): Promise<boolean> {
    let last: Figure | undefined;
    do {
      const after = last;
      // One transaction, because an event that is counted between two reads would look like a difference.
      const compared = await store.readOnlyTransaction((reads) =>
        compareFigures(reads, snapshot, other, batchSize, after),
      );
      if (!compared.equal) return false;
      last = compared.last;
    } while (last);
    return true;
  }

  /** Returns the next stored events that were not counted into the snapshot when they arrived. */
  async function nextUncounted(
    snapshot: number,
    counted: string | undefined,
    limit: number,
  ): Promise<AppliedEvent[]> {
    let after = counted;
    for (;;) {
      const page = await inbox.applied(after, limit);
      const uncounted = page.filter(({ mark }) => mark < snapshot);
      if (uncounted.length > 0 || page.length === 0) return uncounted;
      after = page.at(-1)?.name;
    }
  }

  return {
    ...inbox,
    figures: (report, { from, to }, limit, after) =>
      readCurrent((reads, snapshot) => listFigures(reads, snapshot, report, { from, to, after }, limit)),
    largest: (report, group, limit) =>
      readCurrent((reads, snapshot) => largestFigures(reads, snapshot, report, group, limit)),

    async storedEvents(cursor, limit) {
      const page = await inbox.appliedByArrival(cursor, limit);
      return { ...page, events: page.events as ReportedEvent[] };
    },

    beginRebuild: () =>
      store.transaction(async (step) => {
        const { current, newest } = await readSnapshots(step);
        const building = newest + 1;
        writeSnapshots(step, { current, newest: building, building });
        return building;
      }),
    async recount(snapshot, limit) {
      const counted = await readProgress(store, snapshot);
      const stored = await nextUncounted(snapshot, counted, limit);
      const last = stored.at(-1);
      return store.transaction(async (step) => {
        await readBuilding(step, snapshot);
        if ((await readProgress(step, snapshot)) !== counted) {
          throw problem('conflict', 'Another replica counts into the same snapshot');
        }
        if (!last) return 0;
        const events = stored.map(({ event }) => event as ReportedEvent);
        const [rejected] = (await countEvents(step, events, [snapshot])).values();
        if (rejected) throw rejected;
        writeProgress(step, snapshot, last.name);
        return events.length;
      });
    },
    async finishRebuild(snapshot) {
      const { current } = await readBuilding(store, snapshot);
      const equal = (await contains(snapshot, current)) && (await contains(current, snapshot));
      await store.transaction(async (step) => {
        const { newest } = await readBuilding(step, snapshot);
        writeSnapshots(step, { current: snapshot, newest });
      });
      await dropFiguresBefore(store, snapshot, batchSize);
      return equal;
    },

    jobs: datastoreJobs(store),
    ping: store.ping,
    server: 'datastore',
    close: store.close,
  };
}
