import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { StartError } from '@slipway/platform/core/start-error';
import type { DatastoreStore } from './entities.ts';

/**
 * A step that changes a namespace. The previous version of the service still runs meanwhile and must work afterwards
 * (expand now, contract in a later release). A step may run again, because a crash can interrupt it. Never change one
 * that was released.
 */
export type DatastoreMigration = { name: string; up(store: DatastoreStore): Promise<void> };

/** The entity that lists the migrations that have run, and which replica holds the lease until when. */
type Progress = { done: string[]; by?: string; until?: number };

/** How long a replica's lease is valid; it is renewed three times as often. Milliseconds. */
const lease = 15_000;
/** Interval at which other replicas check whether the lease is free; milliseconds. */
const pollInterval = 200;

/**
 * Runs the missing migrations of a namespace, in order, each once over all replicas that start at the same time.
 * Migrations of a newer version are ignored: an older version must be able to run beside it.
 *
 * @throws {StartError} if a migration fails; it runs again at the next start
 */
export async function migrateDatastore(
  store: DatastoreStore,
  migrations: DatastoreMigration[],
): Promise<void> {
  const by = randomUUID();
  for (;;) {
    const outcome = await take(store, by, migrations);
    if (outcome === 'taken') return runTaken(store, by, migrations);
    if (outcome === 'nothing to do') return;
    await wait(pollInterval);
  }
}

/** Changes the progress in its own transaction. */
function change<T>(store: DatastoreStore, work: (progress: Progress) => T): Promise<T> {
  return store.transaction(async (step) => {
    const [found] = await step.get('Migrations', ['progress']);
    const progress = found ? (JSON.parse(String(found.progress)) as Progress) : { done: [] };
    const result = work(progress);
    step.save('Migrations', 'progress', { progress: JSON.stringify(progress) });
    return result;
  });
}

function take(
  store: DatastoreStore,
  by: string,
  migrations: DatastoreMigration[],
): Promise<'nothing to do' | 'taken' | 'held'> {
  return change(store, (progress) => {
    if (migrations.every(({ name }) => progress.done.includes(name))) return 'nothing to do';
    if (progress.by && (progress.until ?? 0) > Date.now()) return 'held';
    Object.assign(progress, { by, until: Date.now() + lease });
    return 'taken';
  });
}

async function runTaken(store: DatastoreStore, by: string, migrations: DatastoreMigration[]): Promise<void> {
  const ifMine = (work: (progress: Progress) => void) =>
    change(store, (progress) => {
      if (progress.by === by) work(progress);
      return [...progress.done];
    });
  const renew = () =>
    ifMine((progress) => {
      progress.until = Date.now() + lease;
    });
  const renewal = setInterval(() => renew().catch(() => undefined), lease / 3);
  try {
    const done = await renew();
    for (const migration of migrations.filter(({ name }) => !done.includes(name))) {
      await run(store, migration);
      await ifMine((progress) => void progress.done.push(migration.name));
    }
  } finally {
    clearInterval(renewal);
    await ifMine((progress) => {
      progress.until = 0;
    }).catch(() => undefined); // otherwise it expires
  }
}

async function run(store: DatastoreStore, { name, up }: DatastoreMigration): Promise<void> {
  try {
    await up(store);
  } catch (error) {
    const cause = (error as Error).message;
    throw new StartError(
      `The migration ${name} of the Datastore failed: ${cause}. It runs again at the next start.`,
      error,
    );
  }
}
