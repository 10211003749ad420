import { setImmediate as nextIteration } from 'node:timers/promises';
import type { FigureStore } from './figures.ts';

/** Number of events counted in one iteration of the event loop, which takes some milliseconds. */
const batchSize = 200;

/** The number of events counted, and whether the figures of both snapshots were equal. */
export type Recount = { events: number; equal: boolean };

/**
 * Counts all stored events again into a new snapshot, and then replaces the current one. Memory is bounded by the size of
 * a batch, and other requests are served between two batches.
 *
 * @throws {Problem} conflict if another rebuild begins before this one has finished
 */
export async function rebuild(store: FigureStore): Promise<Recount> {
  return finishRebuild(store, await store.beginRebuild());
}

/**
 * Does what is left of a rebuild, also after another process has begun it.
 *
 * @param signal ends it after the current batch
 * @returns the number of events counted by this call, and whether the figures of both snapshots were equal
 * @throws {Problem} conflict if another rebuild has begun since
 */
export async function finishRebuild(
  store: FigureStore,
  snapshot: number,
  signal?: AbortSignal,
): Promise<Recount> {
  let events = 0;
  for (;;) {
    signal?.throwIfAborted();
    const counted = await store.recount(snapshot, batchSize);
    if (counted === 0) return { events, equal: await store.finishRebuild(snapshot) };
    events += counted;
    await nextIteration();
  }
}
