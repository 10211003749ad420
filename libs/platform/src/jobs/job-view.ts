import type { Job, JobRun } from '@slipway/contract-kit/jobs';
import { type Records, stateOf } from './due-runs.ts';
import type { JobRecord, Lease, OpenRun, PastRun } from './job-record.ts';
import { percentile } from './percentile.ts';

/** Describes a job for people. */
export function describeJob(record: JobRecord, records: Records): Job {
  const { id, plan, paused, runs, lastSuccessAt, succeeded, failed } = record;
  const nextRunAt = nextRunOf(record);
  return {
    name: id,
    state: stateOf(record, records),
    ...(plan.schedule !== undefined && { schedule: plan.schedule }),
    timeZone: plan.timeZone,
    parents: plan.after,
    paused,
    ...(nextRunAt !== undefined && { nextRunAt: timestamp(nextRunAt) }),
    ...(runs[0] && { lastRun: describePast(runs[0]) }),
    ...(lastSuccessAt !== undefined && { lastSuccessAt: timestamp(lastSuccessAt) }),
    succeeded,
    failed,
    ...durationsOf(record),
  };
}

/** Describes the runs of a job for people, newest first. */
export function describeRuns({ run, lease, runs }: JobRecord): JobRun[] {
  const past = runs.map(describePast);
  return run ? [describeOpen(run, lease), ...past] : past;
}

/** Returns when the next run, or the next attempt of the present one, begins; `undefined` if none is planned. */
function nextRunOf({ run, lease, paused, next }: JobRecord): number | undefined {
  if (run && !lease && !(paused && run.cause !== 'request')) return run.notBefore;
  return paused ? undefined : next?.at;
}

function durationsOf({ durations }: JobRecord): Pick<Job, 'durations'> {
  if (durations.length === 0) return {};
  const [p50, p75, p95, p99] = [50, 75, 95, 99].map((p) => percentile(durations, p)) as Four;
  return { durations: { p50, p75, p95, p99 } };
}

type Four = [number, number, number, number];

export function describeOpen(run: OpenRun, lease: Lease | undefined): JobRun {
  const { id, cause, plannedAt, startedAt, notBefore, failures, lost, error } = run;
  const hasBegun = startedAt !== undefined;
  return {
    id,
    cause,
    state: lease ? 'running' : hasBegun ? 'retrying' : 'due',
    plannedAt: timestamp(plannedAt),
    ...(hasBegun && { startedAt: timestamp(startedAt) }),
    ...(!lease && { nextAttemptAt: timestamp(notBefore) }),
    attempts: failures + lost + Number(lease !== undefined),
    ...(error !== undefined && { error }),
  };
}

function describePast({ outcome, plannedAt, startedAt, endedAt, ...run }: PastRun): JobRun {
  return {
    ...run,
    state: outcome,
    plannedAt: timestamp(plannedAt),
    startedAt: timestamp(startedAt),
    endedAt: timestamp(endedAt),
  };
}

const timestamp = (milliseconds: number) => new Date(milliseconds).toISOString();
