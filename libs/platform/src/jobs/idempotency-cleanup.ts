import { expireKeys, type IdempotencyStore } from '../http/idempotency.ts';
import { defineJob, type Job } from './job.ts';

/**
 * Makes the job that deletes expired idempotency keys. A service without jobs needs no such job: there, each replica
 * deletes them by a timer.
 *
 * @example
 * registerJobs(app, { jobs: [idempotencyCleanup(store.idempotency)], … });
 */
export function idempotencyCleanup(store: IdempotencyStore): Job {
  return defineJob({
    name: 'idempotency-cleanup',
    schedule: 'R/2026-01-01T00:00:00/PT10M',
    run: ({ signal }) => expireKeys(store, signal),
  });
}
