import type { Aggregate, AggregateStore } from '../events/aggregates.ts';
import type { Job } from './job.ts';

/** A replica's right to run a job, until it stops renewing it. */
export type Lease = {
  /** Identifies the process that holds it. */
  holder: string;
  /** Fencing token: higher for each attempt of the job, over all replicas. */
  token: number;
  /** How long it is valid after the last change of the record; milliseconds. */
  ms: number;
};

/** A run that was requested or has begun, and has not ended. Times are milliseconds since the epoch. */
export type OpenRun = {
  /** Unique for the job. */
  id: number;
  cause: 'schedule' | 'parents' | 'request';
  plannedAt: number;
  /** When its first attempt began; absent until then. */
  startedAt?: number;
  /** Number of attempts that failed. */
  failures: number;
  /** Number of attempts whose replica stopped renewing the lease. */
  lost: number;
  /** The next attempt begins at this time or later. */
  notBefore: number;
  checkpoint?: unknown;
  /** Why the last attempt failed. */
  error?: string;
};

/** A run that has ended. Times are milliseconds since the epoch. */
export type PastRun = Pick<OpenRun, 'id' | 'cause' | 'plannedAt' | 'error'> & {
  startedAt: number;
  endedAt: number;
  outcome: 'succeeded' | 'failed';
  /** Number of attempts, including the one that succeeded. */
  attempts: number;
};

/** The definition of a job, as far as it is data. */
export type JobPlan = Omit<Job, 'name' | 'run'>;

/**
 * The state of a job, which is shared by all replicas: one aggregate, so that each step is one atomic write. Its `id` is
 * the name of the job, and its `version` changes with each renewal of the lease. Times are milliseconds since the epoch.
 */
export type JobRecord = Aggregate & {
  /** The definition that was registered last: replicas of an older version follow it. */
  plan: JobPlan;
  registeredAt: number;
  /** The next planned run: the number of its occurrence, and its time. Absent if none is planned. */
  next?: { n: number; at: number };
  paused: boolean;
  run?: OpenRun;
  lease?: Lease;
  /** The fencing token of the newest attempt. */
  token: number;
  /** The id of the newest run. */
  lastRun: number;
  succeeded: number;
  failed: number;
  lastSuccessAt?: number;
  /**
   * Successes of each parent: how many the last run of this job has seen, and for a parent of another service how many
   * were reported.
   */
  parents: Record<string, { seen: number; reported?: number }>;
  /** The last runs, newest first. */
  runs: PastRun[];
  /** Durations of the last successful runs, newest first; milliseconds. */
  durations: number[];
};

/** Stores the state of the jobs of a service. */
export type JobStore = AggregateStore<JobRecord> & {
  /** Returns all records, in one command. */
  list(): Promise<JobRecord[]>;
};

/** Returns a record with some fields changed, to replace the present one. */
export function nextVersion(record: JobRecord, change: Partial<JobRecord>): JobRecord {
  return { ...record, ...change, version: record.version + 1 };
}
