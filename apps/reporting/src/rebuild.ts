import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FigureStore } from './figures.ts';

/** Stored events that are counted between two turns of the event loop: some milliseconds of work. */
const batch = 200;

/**
 * Counts everything again from the stored events, beside the running figures, and then replaces these.
 * Memory is bounded by the batch, and other requests are served between two batches.
 *
 * @returns how many stored events were counted again, and whether the running figures were the same
 * @throws {Problem} conflict if another rebuild begins before this one is done
 */
export async function rebuild(store: FigureStore): Promise<{ events: number; equal: boolean }> {
  const generation = await store.beginRebuild();
  let events = 0;
  for (;;) {
    const counted = await store.recount(generation, batch);
    if (counted === 0) return { events, equal: await store.finishRebuild(generation) };
    events += counted;
    await nextTurn();
  }
}
