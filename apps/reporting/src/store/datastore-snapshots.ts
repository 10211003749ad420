import { problem } from '@slipway/contracts/errors';
import type { Reads, Step } from '@slipway/store-datastore/entities';
import type { DatastoreMigration } from '@slipway/store-datastore/migrations';

/**
 * Which generation is shown, and which one a rebuild counts into; `newest` is the highest number ever given, so
 * that what a given-up rebuild left is never taken for another's. Each transaction that counts reads this
 * entity, and only the beginning and the end of a rebuild write it, so those wait for each other alone.
 */
export type Generations = { shown: number; newest: number; building?: number };

const kind = 'Generations';
const name = 'generations';
const first: Generations = { shown: 1, newest: 1 };

export const generationsMigration: DatastoreMigration = {
  name: 'reporting-generations-1',
  up: (store) =>
    store.transaction(async (step) => {
      const [found] = await step.get(kind, [name]);
      if (!found) writeGenerations(step, first);
    }),
};

export async function generationsIn(reads: Reads): Promise<Generations> {
  const [found] = await reads.get(kind, [name]);
  // An emulator that was started again has lost it, with all the rest.
  if (!found) return first;
  const { shown, newest, building } = found;
  return {
    shown: Number(shown),
    newest: Number(newest),
    building: building === null ? undefined : Number(building),
  };
}

export function writeGenerations(step: Step, { shown, newest, building }: Generations): void {
  step.save(kind, name, { shown, newest, building: building ?? null });
}

/** @throws {Problem} conflict if `generation` is not the one being built any more. */
export async function generationsBuilding(reads: Reads, generation: number): Promise<Generations> {
  const generations = await generationsIn(reads);
  if (generations.building === generation) return generations;
  throw problem('conflict', 'Another rebuild has begun in the meantime');
}

/** The name of the last stored event that a rebuild has counted; an entity of its own, as it changes often. */
export async function progressIn(reads: Reads, generation: number): Promise<string | undefined> {
  const [found] = await reads.get('Rebuild', [String(generation)]);
  return found && String(found.after);
}

export function writeProgress(step: Step, generation: number, after: string): void {
  step.save('Rebuild', String(generation), { after });
}
