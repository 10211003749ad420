import { plannedFrom, type Records, successesOf } from './due-runs.ts';
import { LeaseLost } from './fence.ts';
import { type JobRecord, type Lease, nextVersion, type OpenRun, type PastRun } from './job-record.ts';

/** Maximum number of past runs, and of durations, in a record. */
export const maxRuns = 30;
export const maxDurations = 100;
/** Maximum number of times that a run is taken over: the job may be what stops the replicas. */
export const maxLost = 5;
/** Maximum length of a stored error message. */
const maxError = 500;

/** Returns the record after a replica has taken a due run, with a new fencing token. */
export function claim(
  record: JobRecord,
  run: OpenRun,
  records: Records,
  { holder, leaseMs, now }: { holder: string; leaseMs: number; now: number },
): JobRecord {
  const token = record.token + 1;
  const isNew = run.startedAt === undefined;
  return nextVersion(record, {
    token,
    lease: { holder, token, ms: leaseMs },
    lastRun: run.id,
    run: { ...run, startedAt: run.startedAt ?? now, lost: run.lost + Number(record.lease !== undefined) },
    ...(isNew && { parents: seenNow(record, records) }),
    ...(isNew && run.cause === 'schedule' && { next: plannedFrom(record.plan, run.plannedAt + 1) }),
  });
}

function seenNow({ plan, parents }: JobRecord, records: Records): JobRecord['parents'] {
  const seen = plan.after.map((name) => {
    return [name, { ...parents[name], seen: successesOf(name, parents, records) }] as const;
  });
  return Object.fromEntries(seen);
}

/** @throws {LeaseLost} if the lease is not the one in the record. */
function held(record: JobRecord, { token }: Lease): OpenRun {
  if (record.lease?.token !== token || !record.run) throw new LeaseLost(record.id);
  return record.run;
}

/** Returns the record with a renewed lease: its new version is what other replicas wait for. */
export function renew(record: JobRecord, lease: Lease): JobRecord {
  held(record, lease);
  return nextVersion(record, {});
}

export function saveCheckpoint(record: JobRecord, lease: Lease, checkpoint: unknown): JobRecord {
  return nextVersion(record, { run: { ...held(record, lease), checkpoint } });
}

/** Returns the record after a run that succeeded. */
export function succeed(record: JobRecord, lease: Lease, now: number): JobRecord {
  const run = held(record, lease);
  const past = ended(run, 'succeeded', run.failures + run.lost + 1, now);
  // The clock of the replica that ends a run can be behind the one of the replica that began it.
  const durations = [Math.max(0, past.endedAt - past.startedAt), ...record.durations].slice(0, maxDurations);
  return nextVersion(record, {
    ...closed(record, past),
    ...{ succeeded: record.succeeded + 1, lastSuccessAt: now, durations },
  });
}

/**
 * Returns the record after an attempt that failed: the run is tried again later, or has failed.
 *
 * @param delay milliseconds before the next attempt
 */
export function fail(record: JobRecord, lease: Lease, reason: string, now: number, delay: number): JobRecord {
  const run = held(record, lease);
  const failures = run.failures + 1;
  const error = reason.slice(0, maxError).toWellFormed();
  if (failures <= record.plan.retries) {
    const notBefore = now + Math.ceil(delay);
    return nextVersion(record, { lease: undefined, run: { ...run, failures, error, notBefore } });
  }
  const past = ended({ ...run, error }, 'failed', failures + run.lost, now);
  return nextVersion(record, { ...closed(record, past), failed: record.failed + 1 });
}

/** Returns the record after a run that too many replicas have begun and not ended; `undefined` if there were fewer. */
export function abandon(record: JobRecord, now: number): JobRecord | undefined {
  const { run } = record;
  if (!run || run.lost < maxLost) return undefined;
  const error = `${run.lost} replicas stopped while they ran it`;
  const past = ended({ ...run, error }, 'failed', run.failures + run.lost, now);
  return nextVersion(record, { ...closed(record, past), failed: record.failed + 1 });
}

/** Returns the record without the lease of a replica that has stopped, for a run that may not continue yet. */
export function dropLease(record: JobRecord): JobRecord {
  const { run } = record;
  return nextVersion(record, { lease: undefined, run: run && { ...run, lost: run.lost + 1 } });
}

/** Returns the record with the lease given back: another replica continues the run at once. */
export function giveBack(record: JobRecord, lease: Lease): JobRecord {
  held(record, lease);
  return nextVersion(record, { lease: undefined });
}

function ended(run: OpenRun, outcome: PastRun['outcome'], attempts: number, endedAt: number): PastRun {
  const { id, cause, plannedAt, startedAt = endedAt, error } = run;
  return {
    id,
    cause,
    plannedAt,
    startedAt,
    endedAt,
    outcome,
    attempts,
    ...(error !== undefined && { error }),
  };
}

function closed({ runs }: JobRecord, past: PastRun): Partial<JobRecord> {
  return { lease: undefined, run: undefined, runs: [past, ...runs].slice(0, maxRuns) };
}
