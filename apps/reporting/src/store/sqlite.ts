import { setImmediate as nextIteration } from 'node:timers/promises';
import { inTransaction, openSqlite } from '@slipway/store-sqlite/database';
import { inboxMigration, sqliteInbox } from '@slipway/store-sqlite/inbox';
import { jobsMigration, sqliteJobs } from '@slipway/store-sqlite/jobs';
import { nonBlocking, retryWhileLocked } from '@slipway/store-sqlite/lock-retries';
import type { ReportedEvent } from '../figures.ts';
import { pagesOf } from './sqlite-events.ts';
import { figuresMigration, sqliteFigures } from './sqlite-figures.ts';
import { snapshotsMigration, sqliteSnapshots } from './sqlite-snapshots.ts';
import type { ReportingStore } from './store.ts';

/** Number of figures compared or deleted in one iteration of the event loop. */
const batchSize = 500;

/**
 * Opens the store of reporting in a SQLite file: the events as they arrived (`inbox`), and the figures.
 *
 * @param url `sqlite:<path>` or `sqlite::memory:`
 * @throws {StartError} if the file cannot be used.
 */
export function openSqliteStore(url: string): ReportingStore {
  const db = openSqlite(url, [inboxMigration, figuresMigration, snapshotsMigration, jobsMigration]);
  const figures = sqliteFigures(db);
  const snapshots = sqliteSnapshots(db);
  const inbox = sqliteInbox(db, (event) => {
    const { current, building } = snapshots.get();
    for (const snapshot of [current, building ?? []].flat()) figures.count(snapshot, event as ReportedEvent);
  });

  /** Returns whether `other` has all figures of a snapshot with the same sums. Reads them in batches. */
  async function contains(other: number, snapshot: number): Promise<boolean> {
    let compared = figures.compare(snapshot, other, batchSize);
    while (compared.equal && compared.last) {
      await nextIteration();
      compared = figures.compare(snapshot, other, batchSize, compared.last);
    }
    return compared.equal;
  }

  return nonBlocking(db, {
    apply: inbox.apply,
    addDeadLetter: inbox.addDeadLetter,
    deadLetters: inbox.deadLetters,
    findDeadLetter: inbox.findDeadLetter,
    removeDeadLetter: inbox.removeDeadLetter,

    async figures(report, range, limit, after) {
      return figures.list(snapshots.get().current, report, range, limit, after);
    },
    async largest(report, group, limit) {
      return figures.largest(snapshots.get().current, report, group, limit);
    },

    ...pagesOf(inbox),

    async beginRebuild() {
      return inTransaction(db, () => {
        const { current, newest } = snapshots.get();
        const building = newest + 1;
        snapshots.write({ current, newest: building, building, counted: 0, until: inbox.lastPlace() });
        return building;
      });
    },
    async recount(snapshot, limit) {
      return inTransaction(db, () => {
        const progress = snapshots.getBuilding(snapshot);
        const events = inbox.applied(progress.counted, limit).filter(({ place }) => place <= progress.until);
        for (const { event } of events) figures.count(snapshot, event as ReportedEvent);
        snapshots.write({ ...progress, counted: events.at(-1)?.place ?? progress.counted });
        return events.length;
      });
    },
    async finishRebuild(snapshot) {
      const { current } = snapshots.getBuilding(snapshot);
      // New events are counted in both snapshots, so figures that were equal stay equal during the comparison.
      const equal = (await contains(snapshot, current)) && (await contains(current, snapshot));
      const show = () =>
        snapshots.write({ ...snapshots.getBuilding(snapshot), current: snapshot, building: undefined });
      await retryWhileLocked(() => inTransaction(db, show));
      while (await retryWhileLocked(() => figures.dropBefore(snapshot, batchSize))) await nextIteration();
      return equal;
    },

    jobs: sqliteJobs(db),
    async ping() {
      db.prepare('SELECT 1').get();
    },
    async close() {
      db.close();
    },
  });
}
