import { setImmediate as nextIteration } from 'node:timers/promises';
import type { FigureStore } from './figures.ts';

/** Number of events counted in one iteration of the event loop, which takes some milliseconds. */
const batchSize = 200;

/**
 * Counts all stored events again into a new snapshot, and then replaces the current one. Memory is bounded by the size of
 * a batch, and other requests are served between two batches.
 *
 * @returns the number of events counted, and whether the figures of both snapshots were equal
 * @throws {Problem} conflict if another rebuild begins before this one has finished
 */
export async function rebuild(store: FigureStore): Promise<{ events: number; equal: boolean }> {
  const snapshot = await store.beginRebuild();
  let events = 0;
  for (;;) {
    const counted = await store.recount(snapshot, batchSize);
    if (counted === 0) return { events, equal: await store.finishRebuild(snapshot) };
    events += counted;
    await nextIteration();
  }
}
