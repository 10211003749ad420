import { problem } from '@slipway/contracts/errors';
import type { Reads, Step } from '@slipway/store-datastore/entities';
import type { DatastoreMigration } from '@slipway/store-datastore/migrations';

/**
 * The numbers of the snapshots. Every transaction that counts events reads this entity, and only the beginning and the
 * end of a rebuild write it, so that counting transactions do not conflict with each other here.
 */
export type Snapshots = {
  /** The snapshot that reports read. */
  current: number;
  /** The highest number ever used, so that a new snapshot never reuses the entities of an abandoned rebuild. */
  newest: number;
  /** The snapshot that a rebuild is counting into. */
  building?: number;
};

/** Stored under the names of an earlier version: `Generations` are the snapshots, and `shown` is the current one. */
const kind = 'Generations';
const name = 'generations';
const first: Snapshots = { current: 1, newest: 1 };

export const snapshotsMigration: DatastoreMigration = {
  name: 'reporting-generations-1',
  up: (store) =>
    store.transaction(async (step) => {
      const [found] = await step.get(kind, [name]);
      if (!found) writeSnapshots(step, first);
    }),
};

export async function readSnapshots(reads: Reads): Promise<Snapshots> {
  const [found] = await reads.get(kind, [name]);
  // A restarted emulator has lost the entity together with all other data.
  if (!found) return first;
  const { shown, newest, building } = found;
  return {
    current: Number(shown),
    newest: Number(newest),
    building: building === null ? undefined : Number(building),
  };
}

export function writeSnapshots(step: Step, { current, newest, building }: Snapshots): void {
  step.save(kind, name, { shown: current, newest, building: building ?? null });
}

/** @throws {Problem} conflict if no rebuild is counting into `snapshot` any more. */
export async function readBuilding(reads: Reads, snapshot: number): Promise<Snapshots> {
  const snapshots = await readSnapshots(reads);
  if (snapshots.building === snapshot) return snapshots;
  throw problem('conflict', 'Another rebuild has begun since');
}

/** Returns the name of the last stored event that a rebuild has counted. It changes often, so it has its own entity. */
export async function readProgress(reads: Reads, snapshot: number): Promise<string | undefined> {
  const [found] = await reads.get('Rebuild', [String(snapshot)]);
  return found && String(found.after);
}

export function writeProgress(step: Step, snapshot: number, after: string): void {
  step.save('Rebuild', String(snapshot), { after });
}
