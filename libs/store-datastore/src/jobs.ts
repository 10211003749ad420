import type { JobRecord, JobStore } from '@slipway/platform/jobs/job-record';
import { datastoreAggregates, readAll } from './aggregates.ts';
import type { DatastoreStore } from './entities.ts';

const kind = 'Job';

/** Stores the state of a service's jobs. Their successes cannot be published, because there is no outbox on Datastore. */
export function datastoreJobs(store: DatastoreStore): JobStore {
  return { ...datastoreAggregates<JobRecord>({ store, kind }), list: () => readAll(store, kind) };
}
