import { setImmediate as nextTurn } from 'node:timers/promises';
import { inTransaction, openSqlite } from '@slipway/store-sqlite/database';
import { inboxMigration, sqliteInbox } from '@slipway/store-sqlite/inbox';
import { nonBlocking, retryWhileLocked } from '@slipway/store-sqlite/non-blocking';
import type { ReportedEvent } from '../figures.ts';
import { figuresMigration, sqliteFigures } from './sqlite-figures.ts';
import { generationsMigration, sqliteGenerations } from './sqlite-snapshots.ts';
import type { ReportingStore } from './store.ts';

/** Figures that are compared or deleted between two turns of the event loop. */
const batch = 500;

/**
 * The embedded store of reporting: events as they came (`inbox`) and what they add up to (`figures`).
 *
 * @param url `sqlite:<path>` or `sqlite::memory:`
 * @throws {StartError} if the file cannot be used.
 */
export function openSqliteStore(url: string): ReportingStore {
  const db = openSqlite(url, [inboxMigration, figuresMigration, generationsMigration]);
  const figures = sqliteFigures(db);
  const generations = sqliteGenerations(db);
  // One process owns the file, so a rebuild found here was broken off by a crash.
  generations.write({ ...generations.now(), building: undefined });
  const inbox = sqliteInbox(db, (event) => {
    const { shown, building } = generations.now();
    for (const generation of [shown, building ?? []].flat())
      figures.count(generation, event as ReportedEvent);
  });

  /** Whether each figure of a generation is the same in the other; read in batches. */
  async function isPartOf(generation: number, other: number): Promise<boolean> {
    let compared = figures.compare(generation, other, batch);
    while (compared.equal && compared.last) {
      await nextTurn();
      compared = figures.compare(generation, other, batch, compared.last);
    }
    return compared.equal;
  }

  return nonBlocking(db, {
    apply: inbox.apply,
    setAside: inbox.setAside,
    refused: inbox.refused,
    findRefused: inbox.findRefused,
    dropRefused: inbox.dropRefused,

    async figures(report, range, limit, after) {
      return figures.list(generations.now().shown, report, range, limit, after);
    },
    async largest(report, part, limit) {
      return figures.largest(generations.now().shown, report, part, limit);
    },

    async beginRebuild() {
      return inTransaction(db, () => {
        const { shown, newest } = generations.now();
        const building = newest + 1;
        generations.write({ shown, newest: building, building, counted: 0, until: inbox.lastPlace() });
        return building;
      });
    },
    async recount(generation, limit) {
      return inTransaction(db, () => {
        const progress = generations.building(generation);
        const events = inbox.applied(progress.counted, limit).filter(({ place }) => place <= progress.until);
        for (const { event } of events) figures.count(generation, event as ReportedEvent);
        generations.write({ ...progress, counted: events.at(-1)?.place ?? progress.counted });
        return events.length;
      });
    },
    async finishRebuild(generation) {
      const { shown } = generations.building(generation);
      // New events count in both, so what was found equal stays equal while the rest is compared.
      const equal = (await isPartOf(shown, generation)) && (await isPartOf(generation, shown));
      const show = () =>
        generations.write({ ...generations.building(generation), shown: generation, building: undefined });
      await retryWhileLocked(() => inTransaction(db, show));
      while (await retryWhileLocked(() => figures.dropBefore(generation, batch))) await nextTurn();
      return equal;
    },

    async ping() {
      db.prepare('SELECT 1').get();
    },
    async close() {
      db.close();
    },
  });
}
