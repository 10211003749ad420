import type { DatabaseSync } from 'node:sqlite';
import type { JobRecord, JobStore } from '@slipway/platform/jobs/job-record';
import { sqliteAggregates } from './aggregates.ts';
import type { Migration } from './database.ts';
import type { SqliteOutbox } from './outbox.ts';

export const jobsMigration: Migration = {
  name: 'platform-jobs-1',
  sql: `CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    doc TEXT NOT NULL,
    version INTEGER AS (doc ->> 'version')
  ) STRICT`,
};

/**
 * Stores the state of a service's jobs in its embedded database.
 *
 * @param outbox absent if the service does not publish the successes of its jobs
 */
export function sqliteJobs(db: DatabaseSync, outbox?: Pick<SqliteOutbox, 'add'>): JobStore {
  const list = db.prepare('SELECT doc FROM jobs ORDER BY id');
  return {
    ...sqliteAggregates<JobRecord>({ db, table: 'jobs', outbox }),
    async list() {
      return list.all().map(({ doc }) => JSON.parse(String(doc)) as JobRecord);
    },
  };
}
