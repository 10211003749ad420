import { newRun } from './due-runs.ts';
import { type JobRecord, nextVersion } from './job-record.ts';

/** Returns the record with a run that a person requested; `undefined` if an attempt is running. */
export function request(record: JobRecord, now: number): JobRecord | undefined {
  const { run, lease } = record;
  if (lease) return undefined;
  const requested = run
    ? { ...run, cause: 'request' as const, notBefore: now }
    : newRun(record, 'request', now);
  return nextVersion(record, { run: requested });
}

export function setPaused(record: JobRecord, paused: boolean): JobRecord | undefined {
  return record.paused === paused ? undefined : nextVersion(record, { paused });
}

/** Returns the record with the number of successes that another service has reported; never a lower one. */
export function reportParent(record: JobRecord, name: string, successes: number): JobRecord | undefined {
  const parent = record.parents[name] ?? { seen: 0 };
  if (successes <= (parent.reported ?? 0)) return undefined;
  return nextVersion(record, { parents: { ...record.parents, [name]: { ...parent, reported: successes } } });
}
