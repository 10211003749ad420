import type { Job } from './job.ts';
import { type JobPlan, type JobRecord, nextVersion, type OpenRun } from './job-record.ts';
import { parseSchedule } from './schedule.ts';

/** A run that begins this much later than planned was missed; milliseconds. */
const missedAfter = 60_000;

type Planned = NonNullable<JobRecord['next']>;

/** All records of a service by job name, to look up parents. */
export type Records = ReadonlyMap<string, JobRecord>;

/** Returns the record of a new job, or of one whose definition has changed; `undefined` if it is registered as it is. */
export function register(present: JobRecord | undefined, job: Job, now: number): JobRecord | undefined {
  const plan = planOf(job);
  if (!present) return { ...firstRecord(job.name, plan, now), next: firstPlanned(plan, now) };
  if (JSON.stringify(present.plan) === JSON.stringify(plan)) return undefined;
  const isSameSchedule = present.plan.schedule === plan.schedule && present.plan.timeZone === plan.timeZone;
  return nextVersion(present, { plan, next: isSameSchedule ? present.next : plannedFrom(plan, now) });
}

function planOf({ schedule, timeZone, after, catchUp, retries, timeoutMs }: Job): JobPlan {
  return { ...(schedule !== undefined && { schedule }), timeZone, after, catchUp, retries, timeoutMs };
}

function firstRecord(id: string, plan: JobPlan, now: number): JobRecord {
  return {
    ...{ id, version: 1, plan, registeredAt: now, paused: false, token: 0, lastRun: 0 },
    ...{ succeeded: 0, failed: 0, parents: {}, runs: [], durations: [] },
  };
}

/** Plans the first run of a new job: what was missed before it was registered is caught up, too. */
function firstPlanned(plan: JobPlan, now: number): Planned | undefined {
  return plan.catchUp === 'none' ? plannedFrom(plan, now) : occurrence(plan, 0);
}

/** Plans the first run at a time or later. */
export function plannedFrom(plan: JobPlan, time: number): Planned | undefined {
  return occurrence(plan, scheduleOf(plan)?.firstFrom(time) ?? 0);
}

function occurrence(plan: JobPlan, n: number): Planned | undefined {
  const at = scheduleOf(plan)?.at(n);
  return at === undefined ? undefined : { n, at };
}

const scheduleOf = ({ schedule, timeZone }: JobPlan) =>
  schedule === undefined ? undefined : parseSchedule(schedule, timeZone);

/**
 * Returns the run that an attempt may begin now, if the lease is free; `undefined` if nothing is due.
 *
 * @param records where the parents are looked up
 */
export function dueRun(record: JobRecord, records: Records, now: number): OpenRun | undefined {
  const { run, paused } = record;
  if (run) return (nextTime(record, records) ?? Number.POSITIVE_INFINITY) <= now ? run : undefined;
  if (paused || !parentsSucceeded(record, records)) return undefined;
  const planned = plannedRun(record, now);
  if (planned === undefined) return undefined;
  return newRun(record, record.plan.schedule === undefined ? 'parents' : 'schedule', planned);
}

/** Returns a run that has not begun. */
export function newRun({ lastRun }: JobRecord, cause: OpenRun['cause'], plannedAt: number): OpenRun {
  return { id: lastRun + 1, cause, plannedAt, failures: 0, lost: 0, notBefore: plannedAt };
}

/** Returns the planned time of a run that is due; for a job without schedule, that is now. */
function plannedRun({ plan, next }: JobRecord, now: number): number | undefined {
  if (plan.schedule === undefined) return now;
  if (!next || next.at > now) return undefined;
  const last = lastUntil(plan, next, now);
  if (plan.catchUp === 'all') return next.at;
  return plan.catchUp === 'none' && now - last.at > missedAfter ? undefined : last.at;
}

/** Returns the newest occurrence from `next` on that is not in the future. */
function lastUntil(plan: JobPlan, next: Planned, now: number): Planned {
  const n = Math.max(next.n, scheduleOf(plan)?.lastUntil(now) ?? 0);
  return occurrence(plan, n) ?? next;
}

/** Returns whether each parent has succeeded since the last run of this job began. */
function parentsSucceeded({ plan, parents }: JobRecord, records: Records): boolean {
  return plan.after.every((name) => successesOf(name, parents, records) > (parents[name]?.seen ?? 0));
}

/** Returns how often a parent has succeeded, of this service or of another one. */
export function successesOf(name: string, parents: JobRecord['parents'], records: Records): number {
  return records.get(name)?.succeeded ?? parents[name]?.reported ?? 0;
}

/** Returns the record with skipped runs planned anew; `undefined` if none was missed that must not be caught up. */
export function skipMissed(record: JobRecord, now: number): JobRecord | undefined {
  const { plan, next, run } = record;
  if (plan.catchUp !== 'none' || run || !next || now - next.at <= missedAfter) return undefined;
  const last = lastUntil(plan, next, now);
  if (now - last.at <= missedAfter) return undefined;
  return nextVersion(record, { next: plannedFrom(plan, now) });
}

/** Returns when the next attempt of a job without a lease may begin; `undefined` if that does not depend on the time. */
export function nextTime(record: JobRecord, records: Records): number | undefined {
  const { run, paused } = record;
  if (run) return paused && run.cause !== 'request' ? undefined : run.notBefore;
  if (paused || !parentsSucceeded(record, records)) return undefined;
  return record.plan.schedule === undefined ? 0 : record.next?.at;
}

export type JobState = 'scheduled' | 'waiting' | 'running' | 'retrying' | 'failed' | 'paused' | 'ended';

/**
 * Returns the state of a job for people. `waiting`: for its parents; `retrying`: an attempt failed, and another one
 * follows; `failed`: the last run failed, and the next one is planned; `ended`: the schedule has no further run.
 */
export function stateOf(record: JobRecord, records: Records): JobState {
  const { run, lease, paused, runs, next, plan } = record;
  if (lease) return 'running';
  if (run) return run.startedAt === undefined ? 'scheduled' : 'retrying';
  if (paused) return 'paused';
  if (runs[0]?.outcome === 'failed') return 'failed';
  if (plan.schedule !== undefined && !next) return 'ended';
  return plan.after.length > 0 && !parentsSucceeded(record, records) ? 'waiting' : 'scheduled';
}
