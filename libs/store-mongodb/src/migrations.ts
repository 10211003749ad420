import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { StartError } from '@slipway/platform/core/start-error';
import type { Collection, Db } from 'mongodb';
import { isDuplicate } from './errors.ts';

/**
 * A step that changes a database. The previous version of the service still runs meanwhile and must work afterwards
 * (expand now, contract in a later release). A step may run again, because a crash can interrupt it. Never change one
 * that was released.
 */
export type MongoMigration = { name: string; up(db: Db): Promise<void> };

type Entry = { _id: string; at: Date; by?: string; until?: number };

/** How long a lock is valid; its holder renews it three times as often. Milliseconds. */
const lease = 15_000;
/** Interval at which other replicas check whether the holder has finished; milliseconds. */
const pollInterval = 200;
const lockId = 'lock';

/**
 * Runs the missing migrations of a database, in order, each once over all replicas that start at the same time.
 * Migrations of a newer version are ignored: an older version must be able to run beside it.
 *
 * @throws {StartError} if a migration fails; it runs again at the next start
 */
export async function migrate(db: Db, migrations: MongoMigration[]): Promise<void> {
  const entries = db.collection<Entry>('migrations');
  const by = randomUUID();
  while ((await missing(entries, migrations)).length > 0) {
    if (await lock(entries, by)) return runLocked(db, entries, by, migrations);
    await wait(pollInterval);
  }
}

async function missing(entries: Collection<Entry>, migrations: MongoMigration[]): Promise<MongoMigration[]> {
  const done = new Set((await entries.find().toArray()).map(({ _id }) => _id));
  return migrations.filter(({ name }) => !done.has(name));
}

/** Acquires the lock if it is free, or if its holder died and it has expired. */
async function lock(entries: Collection<Entry>, by: string): Promise<boolean> {
  const now = Date.now();
  try {
    await entries.updateOne(
      { _id: lockId, until: { $lt: now } },
      { $set: { by, until: now + lease } },
      { upsert: true },
    );
    return true;
  } catch (error) {
    if (isDuplicate(error)) return false;
    throw error;
  }
}

async function runLocked(
  db: Db,
  entries: Collection<Entry>,
  by: string,
  migrations: MongoMigration[],
): Promise<void> {
  const renew = () => entries.updateOne({ _id: lockId, by }, { $set: { until: Date.now() + lease } });
  const renewal = setInterval(() => renew().catch(() => undefined), lease / 3);
  try {
    for (const migration of await missing(entries, migrations)) await run(db, entries, migration);
  } finally {
    clearInterval(renewal);
    await entries.deleteOne({ _id: lockId, by }).catch(() => undefined); // otherwise it expires
  }
}

async function run(db: Db, entries: Collection<Entry>, { name, up }: MongoMigration): Promise<void> {
  try {
    await up(db);
    await entries.updateOne({ _id: name }, { $setOnInsert: { at: new Date() } }, { upsert: true });
  } catch (error) {
    const cause = (error as Error).message;
    throw new StartError(
      `The migration ${name} of the database failed: ${cause}. It runs again at the next start.`,
      error,
    );
  }
}
