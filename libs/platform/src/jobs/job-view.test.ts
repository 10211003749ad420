import { describe, expect, it } from 'vitest';
import { dueRun, register } from './due-runs.ts';
import { defineJob, type Job } from './job.ts';
import { request, setPaused } from './job-controls.ts';
import type { JobRecord, OpenRun } from './job-record.ts';
import { describeJob, describeRuns } from './job-view.ts';
import { claim, fail, giveBack, succeed } from './run-steps.ts';

const noon = Date.parse('2026-03-01T12:00:00Z');
const minutes = (count: number) => noon + count * 60_000;

const hourly = defineJob({
  name: 'hourly',
  schedule: 'R/2026-03-01T12:00:00/PT1H',
  timeZone: 'Europe/Berlin',
  catchUp: 'none',
  retries: 1,
  run: async () => undefined,
});
const child = defineJob({ name: 'child', after: ['hourly'], run: async () => undefined });

const registered = (job: Job, at = minutes(-5)) => register(undefined, job, at) as JobRecord;
const recordsOf = (...records: JobRecord[]) => new Map(records.map((record) => [record.id, record]));
const describeAlone = (record: JobRecord) => describeJob(record, recordsOf(record));

/** The record after a replica has begun the run that is due. */
function begun(record: JobRecord, now: number): JobRecord {
  const records = recordsOf(record);
  const due = dueRun(record, records, now) as OpenRun;
  return claim(record, due, records, { holder: 'a', leaseMs: 15_000, now });
}
const leaseOf = ({ lease }: JobRecord) => lease as NonNullable<JobRecord['lease']>;
const succeeded = (record: JobRecord, from: number, to: number) => {
  const running = begun(record, from);
  return succeed(running, leaseOf(running), to);
};
const failed = (record: JobRecord, from: number, to: number) => {
  const running = begun(record, from);
  return fail(running, leaseOf(running), 'the printer is on fire', to, 30_000);
};

describe('a job for people', () => {
  it('that has never run shows its definition and its next run', () => {
    expect(describeAlone(registered(hourly))).toEqual({
      name: 'hourly',
      state: 'scheduled',
      schedule: 'R/2026-03-01T12:00:00/PT1H',
      timeZone: 'Europe/Berlin',
      parents: [],
      paused: false,
      nextRunAt: '2026-03-01T12:00:00.000Z',
      succeeded: 0,
      failed: 0,
    });
  });

  it('without a schedule waits for its parents, and has no next run', () => {
    const records = recordsOf(registered(hourly), registered(child));
    const shown = describeJob(records.get('child') as JobRecord, records);
    expect(shown).toMatchObject({ state: 'waiting', parents: ['hourly'] });
    expect(shown).not.toHaveProperty('nextRunAt');
    expect(shown).not.toHaveProperty('schedule');
  });

  it('shows its last run and the percentiles of its durations', () => {
    const lengths = [40, 10, 30, 20].entries();
    let record = registered(hourly);
    for (const [n, ms] of lengths) record = succeeded(record, minutes(60 * n), minutes(60 * n) + ms);
    expect(describeAlone(record)).toMatchObject({
      ...{ state: 'scheduled', succeeded: 4, failed: 0, nextRunAt: '2026-03-01T16:00:00.000Z' },
      lastSuccessAt: '2026-03-01T15:00:00.020Z',
      lastRun: { id: 4, cause: 'schedule', state: 'succeeded', attempts: 1 },
      durations: { p50: 20, p75: 30, p95: 40, p99: 40 },
    });
  });

  it('shows the next attempt while it is retried, and the next run when it has failed', () => {
    const retried = failed(registered(hourly), minutes(0), minutes(1));
    expect(describeAlone(retried)).toMatchObject({
      state: 'retrying',
      nextRunAt: '2026-03-01T12:01:30.000Z',
    });
    const ended = failed(retried, minutes(2), minutes(3));
    expect(describeAlone(ended)).toMatchObject({
      ...{ state: 'failed', failed: 1, nextRunAt: '2026-03-01T13:00:00.000Z' },
      lastRun: { state: 'failed', attempts: 2, error: 'the printer is on fire' },
    });
    expect(describeAlone(ended)).not.toHaveProperty('durations');
  });

  it('that is paused has no next run, unless one was requested', () => {
    const paused = setPaused(registered(hourly), true) as JobRecord;
    expect(describeAlone(paused)).toMatchObject({ state: 'paused', paused: true });
    expect(describeAlone(paused)).not.toHaveProperty('nextRunAt');
    const requested = request(paused, minutes(1)) as JobRecord;
    expect(describeAlone(requested)).toMatchObject({ paused: true, nextRunAt: '2026-03-01T12:01:00.000Z' });
  });

  it('that is paused between two attempts has no next attempt', () => {
    const retried = failed(registered(hourly), minutes(0), minutes(1));
    expect(describeAlone(setPaused(retried, true) as JobRecord)).not.toHaveProperty('nextRunAt');
  });
});

describe('the history of a job', () => {
  it('has the newest run first, with the time of each step', () => {
    const first = succeeded(registered(hourly), minutes(0), minutes(1));
    const record = failed(failed(first, minutes(60), minutes(61)), minutes(62), minutes(63));
    expect(describeRuns(record)).toEqual([
      {
        ...{ id: 2, cause: 'schedule', state: 'failed', attempts: 2, error: 'the printer is on fire' },
        plannedAt: '2026-03-01T13:00:00.000Z',
        startedAt: '2026-03-01T13:00:00.000Z',
        endedAt: '2026-03-01T13:03:00.000Z',
      },
      {
        ...{ id: 1, cause: 'schedule', state: 'succeeded', attempts: 1 },
        plannedAt: '2026-03-01T12:00:00.000Z',
        startedAt: '2026-03-01T12:00:00.000Z',
        endedAt: '2026-03-01T12:01:00.000Z',
      },
    ]);
  });

  it('begins with the run that has not ended, in each of its states', () => {
    const requested = request(registered(hourly), minutes(-1)) as JobRecord;
    expect(describeRuns(requested)[0]).toMatchObject({ id: 1, cause: 'request', state: 'due', attempts: 0 });
    const running = begun(requested, minutes(0));
    expect(describeRuns(running)[0]).toMatchObject({ state: 'running', attempts: 1 });
    const interrupted = giveBack(running, leaseOf(running));
    expect(describeRuns(interrupted)[0]).toMatchObject({
      ...{ state: 'retrying', attempts: 0, startedAt: '2026-03-01T12:00:00.000Z' },
      nextAttemptAt: '2026-03-01T11:59:00.000Z',
    });
    const retried = failed(interrupted, minutes(1), minutes(2));
    expect(describeRuns(retried)[0]).toMatchObject({
      ...{ state: 'retrying', attempts: 1, error: 'the printer is on fire' },
      nextAttemptAt: '2026-03-01T12:02:30.000Z',
    });
  });
});
