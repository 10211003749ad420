import type { JobRecord, JobStore } from '@slipway/platform/jobs/job-record';
import { type Layout, mongoAggregates } from './aggregates.ts';
import type { MongoStore, Stored } from './database.ts';
import type { MongoMigration } from './migrations.ts';
import { createOutboxIndexes, type MongoOutbox } from './outbox.ts';

/** The collection of the records; an outbox for their events must include it. */
export const jobsCollection = 'jobs';

/** Needed only if the records have an outbox: they are few, and always read all together. */
export const mongoJobsMigration: MongoMigration = {
  name: 'platform-jobs-1',
  up: (db) => createOutboxIndexes(db, jobsCollection),
};

/** Number of records that one command returns. */
const batchSize = 10_000;

/** The state as a whole is one field, so that a replacement keeps no field of the version before. */
const layout: Layout<JobRecord> = {
  version: 'state.version',
  projection: { state: 1, removed: 1 },
  fieldsOf: (state) => ({ state: withCheckpoint(state, JSON.stringify) }),
  stateOf: ({ state }) => withCheckpoint(state, (text) => JSON.parse(String(text))),
};

/**
 * Converts the checkpoint to JSON or back. Its fields may have any names, but MongoDB gives a meaning to some; and
 * MongoDB would keep types that the other stores do not have, such as dates.
 */
function withCheckpoint(state: JobRecord, convert: (checkpoint: unknown) => unknown): JobRecord {
  const { run } = state;
  if (run?.checkpoint === undefined) return state;
  return { ...state, run: { ...run, checkpoint: convert(run.checkpoint) } };
}

/**
 * Stores the state of a service's jobs in a collection of their own.
 *
 * @param outbox absent if the service does not publish the successes of its jobs; otherwise an outbox that includes
 *   `jobsCollection`
 */
export function mongoJobs(store: MongoStore, outbox?: MongoOutbox): JobStore {
  const records = store.collection<Stored>(jobsCollection);
  const { projection } = layout;
  return {
    ...mongoAggregates<JobRecord>({ store, collection: jobsCollection, layout, outbox }),
    async list() {
      const present = { removed: { $exists: false } };
      const found = await store.command((options) =>
        records
          .find(present, { ...options, projection, batchSize })
          .sort({ _id: 1 })
          .toArray(),
      );
      return found.map(layout.stateOf);
    },
  };
}
