import { openDatastore } from '@slipway/store-datastore/database';
import type { Reads } from '@slipway/store-datastore/entities';
import { type AppliedEvent, datastoreInbox } from '@slipway/store-datastore/inbox';
import type { Figure, ReportedEvent } from '../figures.ts';
import {
  compareFigures,
  countEvents,
  dropFiguresBefore,
  largestFigures,
  listFigures,
} from './datastore-figures.ts';
import {
  generationsBuilding,
  generationsIn,
  generationsMigration,
  progressIn,
  writeGenerations,
  writeProgress,
} from './datastore-snapshots.ts';
import type { ReportingStore } from './store.ts';

/** Figures that are compared or deleted in one step. */
const batch = 500;

/**
 * Reporting on Google Datastore. Every event is stored by its id with the newest generation of figures that it
 * was counted in, in the transaction that counts it; a rebuild counts the events of older generations.
 *
 * @param url `datastore://<project>` or `datastore://<project>/<namespace>`
 * @throws {StartError} if it cannot be used.
 */
export async function openDatastoreStore(url: string): Promise<ReportingStore> {
  const store = await openDatastore(url, [generationsMigration]);
  const inbox = datastoreInbox(store, async (events, step) => {
    const { shown, building } = await generationsIn(step);
    const generations = building === undefined ? [shown] : [shown, building];
    const refused = await countEvents(step, events as ReportedEvent[], generations);
    return { mark: building ?? shown, refused };
  });

  /** Reads the figures that are shown: of one moment, as a rebuild may end between two commands. */
  const shown = (read: (reads: Reads, generation: number) => Promise<Figure[]>) =>
    store.snapshot(async (reads) => read(reads, (await generationsIn(reads)).shown));

  /** Whether each figure of a generation is the same in the other; read in batches. */
  async function isPartOf(generation: number, other: number): Promise<boolean> {
    let last: Figure | undefined;
    do {
      const after = last;
      // Of one moment: an event that is counted between two reads would look like a difference.
      const compared = await store.snapshot((reads) =>
        compareFigures(reads, generation, other, batch, after),
      );
      if (!compared.equal) return false;
      last = compared.last;
    } while (last);
    return true;
  }

  /** The stored events of the next page that has any which were not counted into the generation as they came. */
  async function nextUncounted(generation: number, limit: number): Promise<AppliedEvent[]> {
    let after = await progressIn(store, generation);
    for (;;) {
      const page = await inbox.applied(after, limit);
      const uncounted = page.filter(({ mark }) => mark < generation);
      if (uncounted.length > 0 || page.length === 0) return uncounted;
      after = page.at(-1)?.name;
    }
  }

  return {
    ...inbox,
    figures: (report, { from, to }, limit, after) =>
      shown((reads, generation) => listFigures(reads, generation, report, { from, to, after }, limit)),
    largest: (report, part, limit) =>
      shown((reads, generation) => largestFigures(reads, generation, report, part, limit)),

    beginRebuild: () =>
      store.transaction(async (step) => {
        const { shown, newest } = await generationsIn(step);
        const building = newest + 1;
        writeGenerations(step, { shown, newest: building, building });
        return building;
      }),
    async recount(generation, limit) {
      const events = await nextUncounted(generation, limit);
      const last = events.at(-1);
      return store.transaction(async (step) => {
        await generationsBuilding(step, generation);
        if (!last) return 0;
        const [refusal] = (
          await countEvents(
            step,
            events.map(({ event }) => event as ReportedEvent),
            [generation],
          )
        ).values();
        if (refusal) throw refusal;
        writeProgress(step, generation, last.name);
        return events.length;
      });
    },
    async finishRebuild(generation) {
      const { shown } = await generationsBuilding(store, generation);
      const equal = (await isPartOf(shown, generation)) && (await isPartOf(generation, shown));
      await store.transaction(async (step) => {
        const { newest } = await generationsBuilding(step, generation);
        writeGenerations(step, { shown: generation, newest });
      });
      await dropFiguresBefore(store, generation, batch);
      return equal;
    },

    ping: store.ping,
    server: 'datastore',
    close: store.close,
  };
}
