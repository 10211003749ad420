import { StartError } from '../core/start-error.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Fence } from './fence.ts';
import { parseSchedule } from './schedule.ts';

/**
 * The runs of the past that still take place, if no replica was there at their time: none of them, the last one, or all
 * of them, one after the other.
 */
export type CatchUp = 'none' | 'last' | 'all';

/** The argument of a job's `run`. */
export type JobAttempt = {
  /** The time that the schedule gives to this run, or at which it was requested; RFC 3339 in UTC. */
  plannedAt: string;
  /** 1 for the first attempt of a run. An attempt that ended because its replica drained is not counted. */
  attempt: number;
  /**
   * Aborts when the service begins to drain, when the time limit of the attempt is over, and when the lease is lost. The
   * attempt should then return or throw soon; a later one starts from the checkpoint.
   */
  signal: AbortSignal;
  log: Logger;
  /** The value that an earlier attempt of this run has saved last; `undefined` if there is none. */
  checkpoint: unknown;
  /**
   * Stores where a later attempt of this run starts.
   *
   * @throws {LeaseLost} if another replica has taken the job over.
   */
  saveCheckpoint(checkpoint: unknown): Promise<void>;
  /** Give it to `fenced`, so that the attempt writes nothing after another replica has taken the job over. */
  fence: Fence;
};

/** Repeating work of a service. One replica at a time runs it. */
export type JobOptions = {
  /** Unique in the service: lower-case letters, digits and hyphens. */
  name: string;
  /** An ISO 8601 repeating interval, as `parseSchedule` reads it. Absent for a job that runs only after its parents. */
  schedule?: string;
  /** The time zone of the schedule; UTC by default. */
  timeZone?: string;
  /**
   * Parents: a run begins once all of them have succeeded since the last run of this job began. A job of another service
   * is written as `<service>/<job>`; that service must send its events here.
   */
  after?: string[];
  /** The missed runs that still take place; `last` by default. */
  catchUp?: CatchUp;
  /** Number of further attempts after one that failed; 3 by default. */
  retries?: number;
  /** Time limit of an attempt; one minute by default. Milliseconds. */
  timeoutMs?: number;
  /** Makes one attempt. A job that is stopped in the middle runs again, so its work must be safe to repeat. */
  run(attempt: JobAttempt): Promise<unknown>;
};

export type Job = Required<Omit<JobOptions, 'schedule'>> & Pick<JobOptions, 'schedule'>;

/**
 * Checks the definition of a job and adds the defaults.
 *
 * @throws {StartError} that names the job and what is wrong.
 * @example
 * const billingCycle = defineJob({
 *   name: 'billing-cycle',
 *   schedule: 'R/2026-01-01T01:15:00/P1D',
 *   run: ({ plannedAt, signal }) => runBilling(parts, { asOf: plannedAt, mayGoOn: () => !signal.aborted }),
 * });
 */
export function defineJob(options: JobOptions): Job {
  const job = {
    timeZone: 'UTC',
    after: [],
    catchUp: 'last' as const,
    retries: 3,
    timeoutMs: 60_000,
    ...options,
  };
  const problem = problemOf(job);
  if (problem) throw new StartError(`The job "${job.name}" cannot be run: ${problem}.`);
  return job;
}

const validName = /^[a-z][a-z0-9-]{0,62}$/;
const validParent = /^([a-z][a-z0-9-]{0,62}\/)?[a-z][a-z0-9-]{0,62}$/;
/** A timer of Node cannot wait for longer; milliseconds. */
const maxTimeout = 2 ** 31 - 1;

function problemOf(job: Job): string | undefined {
  const { name, schedule, timeZone, after, retries, timeoutMs } = job;
  if (!validName.test(name)) return 'its name must consist of lower-case letters, digits and hyphens';
  if (schedule === undefined && after.length === 0) return 'it needs a schedule or parents';
  const wrongParent = after.find((parent) => !validParent.test(parent) || parent === name);
  if (wrongParent !== undefined) return `"${wrongParent}" cannot be its parent`;
  if (!Number.isInteger(retries) || retries < 0) return 'retries must be 0 or more';
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > maxTimeout) {
    return `timeoutMs must be from 1 to ${maxTimeout}`;
  }
  try {
    if (schedule !== undefined) parseSchedule(schedule, timeZone);
    return undefined;
  } catch (error) {
    return `its schedule is wrong: ${(error as Error).message}`;
  }
}

/**
 * Checks that jobs can run together in one service.
 *
 * @throws {StartError} if two have the same name, a parent or a published job does not exist, or parents form a circle.
 */
export function checkJobs(
  jobs: readonly Job[],
  { service, publishes = [] }: { service: string; publishes?: readonly string[] },
): void {
  const byName = new Map<string, Job>();
  for (const job of jobs) {
    if (byName.has(job.name)) throw new StartError(`Two jobs are named "${job.name}".`);
    byName.set(job.name, job);
  }
  const visit = (job: Job, path: string[]): void => {
    if (path.includes(job.name))
      throw new StartError(`Jobs wait for each other: ${[...path, job.name].join(' → ')}.`);
    const ownParent = job.after.find((name) => name.startsWith(`${service}/`));
    if (ownParent !== undefined) {
      const name = ownParent.slice(service.length + 1);
      throw new StartError(
        `The job "${job.name}" runs after "${ownParent}" of its own service: write "${name}".`,
      );
    }
    for (const name of job.after.filter((parent) => !parent.includes('/'))) {
      const parent = byName.get(name);
      if (!parent) throw new StartError(`The job "${job.name}" runs after "${name}", which does not exist.`);
      visit(parent, [...path, job.name]);
    }
  };
  for (const job of jobs) visit(job, []);
  const unknown = publishes.find((name) => !byName.has(name));
  if (unknown !== undefined)
    throw new StartError(`The job "${unknown}" cannot be published: it does not exist.`);
}
