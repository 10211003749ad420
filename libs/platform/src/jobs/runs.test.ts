import { describe, expect, it } from 'vitest';
import { dueRun, nextTime, register, skipMissed, stateOf } from './due-runs.ts';
import { LeaseLost } from './fence.ts';
import { defineJob, type JobOptions } from './job.ts';
import { reportParent, request, setPaused } from './job-controls.ts';
import type { JobRecord, Lease } from './job-record.ts';
import {
  abandon,
  claim,
  fail,
  giveBack,
  maxDurations,
  maxLost,
  maxRuns,
  renew,
  saveCheckpoint,
  succeed,
} from './run-steps.ts';

const at = (text: string) => Date.parse(`${text}Z`);
const iso = (time: number | undefined) =>
  time === undefined ? undefined : new Date(time).toISOString().slice(0, 16);
const noon = at('2026-11-28T12:00:00');

/** The records of a service whose store is a map. */
function newJobs() {
  const records = new Map<string, JobRecord>();
  const recordOf = (name: string) => records.get(name) as JobRecord;
  const set = (record: JobRecord) => {
    records.set(record.id, record);
    return record;
  };
  return {
    records,
    recordOf,
    set,
    define(options: Omit<JobOptions, 'run'>, now = noon) {
      const job = defineJob({ ...options, run: async () => undefined });
      const registered = register(records.get(job.name), job, now);
      return set(registered ?? recordOf(job.name));
    },
    begin(name: string, now: number) {
      const record = recordOf(name);
      const run = dueRun(record, records, now);
      if (!run) return undefined;
      return set(claim(record, run, records, { holder: 'a', leaseMs: 1_000, now })).lease as Lease;
    },
    /** Runs a job that is due, and returns the planned time of the run. */
    complete(name: string, now: number) {
      const lease = this.begin(name, now);
      if (!lease) return undefined;
      const planned = iso(recordOf(name).run?.plannedAt);
      set(succeed(recordOf(name), lease, now + 5));
      return planned;
    },
  };
}

const daily = { name: 'daily', schedule: 'R/2026-11-26T01:15:00/P1D' };

describe('a job whose first run is in the past', () => {
  it.each([
    ['none', [undefined]],
    ['last', ['2026-11-28T01:15', undefined]],
    ['all', ['2026-11-26T01:15', '2026-11-27T01:15', '2026-11-28T01:15', undefined]],
  ] as const)('catches up %s', (catchUp, expected) => {
    const jobs = newJobs();
    jobs.define({ ...daily, catchUp });
    expect(expected.map(() => jobs.complete('daily', noon))).toEqual(expected);
    expect(iso(jobs.recordOf('daily').next?.at)).toBe('2026-11-29T01:15');
  });

  it.each([
    ['none', '2026-12-02T01:15', undefined],
    ['last', '2026-12-02T01:15', '2026-12-01T01:15'],
    ['all', '2026-11-30T01:15', '2026-11-29T01:15'],
  ] as const)('catches up %s after an outage of days', (catchUp, next, planned) => {
    const jobs = newJobs();
    jobs.define({ ...daily, schedule: 'R/2026-11-29T01:15:00/P1D', catchUp });
    const now = at('2026-12-01T08:00:00');
    const skipped = skipMissed(jobs.recordOf('daily'), now);
    if (skipped) jobs.set(skipped);
    expect(skipped !== undefined).toBe(catchUp === 'none');
    expect(jobs.complete('daily', now)).toBe(planned);
    expect(iso(jobs.recordOf('daily').next?.at)).toBe(next);
  });

  it('catches up nothing, but begins a run that is a few seconds late', () => {
    const jobs = newJobs();
    jobs.define({ ...daily, catchUp: 'none' });
    const late = at('2026-11-29T01:15:20');
    expect(skipMissed(jobs.recordOf('daily'), late)).toBeUndefined();
    expect(jobs.complete('daily', late)).toBe('2026-11-29T01:15');
  });

  it('ends after as many runs as its interval has', () => {
    const jobs = newJobs();
    jobs.define({ name: 'thrice', schedule: 'R3/2026-11-26T01:15:00/P1D', catchUp: 'last' });
    expect(jobs.complete('thrice', at('2027-01-01T00:00:00'))).toBe('2026-11-28T01:15');
    expect(stateOf(jobs.recordOf('thrice'), jobs.records)).toBe('ended');
    expect(jobs.complete('thrice', at('2027-06-01T00:00:00'))).toBeUndefined();
  });
});

describe('a definition that changes', () => {
  it('with its schedule plans anew from now', () => {
    const jobs = newJobs();
    jobs.define(daily);
    jobs.complete('daily', noon);
    jobs.define({ ...daily, schedule: 'R/2026-01-01T02:00:00/P1D' });
    expect(iso(jobs.recordOf('daily').next?.at)).toBe('2026-11-29T02:00');
  });

  it('without its schedule keeps the next run', () => {
    const jobs = newJobs();
    jobs.define(daily);
    const { next } = jobs.recordOf('daily');
    jobs.define({ ...daily, retries: 7 });
    expect(jobs.recordOf('daily')).toMatchObject({ next, plan: { retries: 7 } });
  });

  it('writes nothing if nothing changes', () => {
    const jobs = newJobs();
    const { version } = jobs.define(daily);
    expect(jobs.define(daily).version).toBe(version);
  });
});

describe('a job with parents', () => {
  it('runs once all of them have succeeded since its own last run', () => {
    const jobs = newJobs();
    jobs.define({ name: 'a', schedule: 'R/2026-11-28T00:00:00/PT1H' });
    jobs.define({ name: 'b', schedule: 'R/2026-11-28T00:00:00/PT2H' });
    jobs.define({ name: 'child', after: ['a', 'b'] });
    expect(stateOf(jobs.recordOf('child'), jobs.records)).toBe('waiting');
    jobs.complete('a', noon);
    expect(jobs.complete('child', noon)).toBeUndefined();
    jobs.complete('b', noon);
    expect(jobs.complete('child', noon)).toBe('2026-11-28T12:00');
    jobs.complete('a', noon + 3_600_000);
    expect(jobs.complete('child', noon + 3_600_000)).toBeUndefined();
    jobs.complete('b', noon + 7_200_000);
    expect(jobs.complete('child', noon + 7_200_000)).toBe('2026-11-28T14:00');
  });

  it('in a diamond runs once for both sides', () => {
    const jobs = newJobs();
    jobs.define({ name: 'top', schedule: 'R/2026-11-28T00:00:00/P1D' });
    jobs.define({ name: 'left', after: ['top'] });
    jobs.define({ name: 'right', after: ['top'] });
    jobs.define({ name: 'bottom', after: ['left', 'right'] });
    const order = ['bottom', 'left', 'top', 'right', 'left', 'bottom', 'right', 'bottom', 'bottom', 'left'];
    expect(order.filter((name) => jobs.complete(name, noon))).toEqual(['top', 'right', 'left', 'bottom']);
  });

  it('does not lose a success of a parent that comes while it runs', () => {
    const jobs = newJobs();
    jobs.define({ name: 'a', schedule: 'R/2026-11-28T00:00:00/PT1H' });
    jobs.define({ name: 'child', after: ['a'] });
    jobs.complete('a', noon);
    const lease = jobs.begin('child', noon) as Lease;
    jobs.complete('a', noon + 3_600_000);
    jobs.set(succeed(jobs.recordOf('child'), lease, noon + 3_600_001));
    expect(jobs.complete('child', noon + 3_600_002)).toBe('2026-11-28T13:00');
  });

  it('waits for a parent that has failed, which runs at its next time', () => {
    const jobs = newJobs();
    jobs.define({ name: 'a', schedule: 'R/2026-11-28T00:00:00/PT1H', retries: 0 });
    jobs.define({ name: 'child', after: ['a'] });
    const lease = jobs.begin('a', noon) as Lease;
    jobs.set(fail(jobs.recordOf('a'), lease, 'no', noon, 0));
    expect(stateOf(jobs.recordOf('a'), jobs.records)).toBe('failed');
    expect(jobs.complete('child', noon)).toBeUndefined();
    expect(jobs.complete('a', noon + 3_600_000)).toBe('2026-11-28T13:00');
    expect(jobs.complete('child', noon + 3_600_000)).toBeDefined();
  });

  it('and a schedule waits for both', () => {
    const jobs = newJobs();
    jobs.define({ name: 'a', schedule: 'R/2026-11-28T13:00:00/P1D' });
    jobs.define({ name: 'child', schedule: 'R/2026-11-28T11:00:00/PT3H', after: ['a'] });
    expect(jobs.complete('child', noon)).toBeUndefined();
    jobs.complete('a', noon + 3_600_000);
    expect(jobs.complete('child', noon + 3_600_000)).toBe('2026-11-28T11:00');
    jobs.complete('a', noon + 25 * 3_600_000);
    expect(jobs.complete('child', noon + 3_700_000)).toBeUndefined();
  });

  it('of another service counts what that service reports, once, and never backwards', () => {
    const jobs = newJobs();
    jobs.define({ name: 'child', after: ['billing/cycle'] });
    const report = (successes: number) => {
      const next = reportParent(jobs.recordOf('child'), 'billing/cycle', successes);
      if (next) jobs.set(next);
      return next !== undefined;
    };
    expect(report(7)).toBe(true);
    expect(jobs.complete('child', noon)).toBeDefined();
    expect([report(7), report(6)]).toEqual([false, false]);
    expect(jobs.complete('child', noon)).toBeUndefined();
    expect(report(8)).toBe(true);
    expect(jobs.complete('child', noon)).toBeDefined();
  });
});

describe('a run', () => {
  const started = (options: Partial<JobOptions> = {}) => {
    const jobs = newJobs();
    jobs.define({ ...daily, retries: 2, ...options });
    const lease = jobs.begin('daily', noon) as Lease;
    return { jobs, lease, record: jobs.recordOf('daily') };
  };

  it('that fails is tried again after a delay, from its checkpoint, and then has failed', () => {
    const { jobs, lease, record } = started();
    jobs.set(fail(saveCheckpoint(record, lease, { page: 3 }), lease, 'no answer', noon, 500));
    expect(stateOf(jobs.recordOf('daily'), jobs.records)).toBe('retrying');
    expect(nextTime(jobs.recordOf('daily'), jobs.records)).toBe(noon + 500);
    expect(jobs.begin('daily', noon + 499)).toBeUndefined();
    const second = jobs.begin('daily', noon + 500) as Lease;
    expect(jobs.recordOf('daily').run).toMatchObject({
      checkpoint: { page: 3 },
      failures: 1,
      plannedAt: record.run?.plannedAt,
    });
    jobs.set(fail(jobs.recordOf('daily'), second, 'no', noon + 501, 0));
    const third = jobs.begin('daily', noon + 501) as Lease;
    jobs.set(fail(jobs.recordOf('daily'), third, 'x'.repeat(2_000), noon + 502, 0));
    expect(jobs.recordOf('daily')).toMatchObject({ failed: 1, succeeded: 0, run: undefined });
    expect(jobs.recordOf('daily').runs[0]).toMatchObject({
      outcome: 'failed',
      attempts: 3,
      error: 'x'.repeat(500),
    });
    expect(jobs.complete('daily', at('2026-11-29T01:15:00'))).toBe('2026-11-29T01:15');
  });

  it('has a higher fencing token with each attempt', () => {
    const { jobs, lease, record } = started();
    jobs.set(giveBack(record, lease));
    expect(jobs.begin('daily', noon)?.token).toBe(lease.token + 1);
  });

  it('that was given back is not a failure, and continues at once', () => {
    const { jobs, lease, record } = started();
    jobs.set(giveBack(saveCheckpoint(record, lease, 'half'), lease));
    expect(jobs.begin('daily', noon + 9)).toBeDefined();
    expect(jobs.recordOf('daily').run).toMatchObject({ failures: 0, lost: 0, checkpoint: 'half' });
  });

  it('that was given back by a replica whose clock is ahead continues at once on another one', () => {
    const { jobs, lease, record } = started();
    jobs.set(giveBack(record, lease));
    expect(jobs.begin('daily', noon - 600_000)).toBeDefined();
  });

  it('writes nothing after another replica has taken it over', () => {
    const { jobs, lease } = started();
    jobs.begin('daily', noon + 1_000);
    const record = jobs.recordOf('daily');
    expect(record.run?.lost).toBe(1);
    for (const write of [
      () => renew(record, lease),
      () => saveCheckpoint(record, lease, 1),
      () => succeed(record, lease, noon),
      () => fail(record, lease, 'no', noon, 0),
      () => giveBack(record, lease),
    ]) {
      expect(write).toThrow(LeaseLost);
    }
  });

  it('fails when too many replicas have stopped while they ran it', () => {
    const { jobs } = started();
    for (let lost = 0; lost < maxLost; lost++) {
      expect(abandon(jobs.recordOf('daily'), noon)).toBeUndefined();
      jobs.begin('daily', noon);
    }
    jobs.set(abandon(jobs.recordOf('daily'), noon) as JobRecord);
    expect(jobs.recordOf('daily')).toMatchObject({ failed: 1, lease: undefined });
    expect(jobs.recordOf('daily').runs[0]?.error).toBe('5 replicas stopped while they ran it');
  });

  it('begins at once when a person requests it, and the planned one still comes', () => {
    const jobs = newJobs();
    jobs.define({ ...daily, catchUp: 'none' });
    jobs.set(request(jobs.recordOf('daily'), noon) as JobRecord);
    expect(stateOf(jobs.recordOf('daily'), jobs.records)).toBe('scheduled');
    expect(jobs.complete('daily', noon)).toBe('2026-11-28T12:00');
    expect(jobs.recordOf('daily').runs[0]).toMatchObject({ cause: 'request' });
    expect(iso(jobs.recordOf('daily').next?.at)).toBe('2026-11-29T01:15');
  });

  it('lasts no time, if it ends on a replica whose clock is behind', () => {
    const { jobs, lease, record } = started();
    jobs.set(succeed(record, lease, noon - 600_000));
    expect(jobs.recordOf('daily').durations).toEqual([0]);
  });

  it('stores no half of a character when the error is too long', () => {
    const { jobs, lease, record } = started({ retries: 0 });
    jobs.set(fail(record, lease, `${'x'.repeat(499)}🚢`, noon, 0));
    expect(jobs.recordOf('daily').runs[0]?.error?.isWellFormed()).toBe(true);
  });

  it('cannot be requested while it runs', () => {
    expect(request(started().record, noon)).toBeUndefined();
  });

  it('that waits to be tried again begins at once when a person requests it', () => {
    const { jobs, lease, record } = started();
    jobs.set(fail(record, lease, 'no', noon, 60_000));
    jobs.set(request(jobs.recordOf('daily'), noon + 1) as JobRecord);
    expect(jobs.begin('daily', noon + 1)).toBeDefined();
  });
});

describe('a paused job', () => {
  it('begins no planned run, but a requested one', () => {
    const jobs = newJobs();
    jobs.define(daily);
    jobs.set(setPaused(jobs.recordOf('daily'), true) as JobRecord);
    expect(stateOf(jobs.recordOf('daily'), jobs.records)).toBe('paused');
    expect(jobs.complete('daily', noon)).toBeUndefined();
    jobs.set(request(jobs.recordOf('daily'), noon) as JobRecord);
    expect(jobs.complete('daily', noon)).toBe('2026-11-28T12:00');
    jobs.set(setPaused(jobs.recordOf('daily'), false) as JobRecord);
    expect(jobs.complete('daily', noon)).toBe('2026-11-28T01:15');
  });
});

describe('the history of a job', () => {
  it('is bounded, and counts go on', () => {
    const jobs = newJobs();
    jobs.define({ name: 'often', schedule: 'R/2026-11-28T00:00:00/PT1S', catchUp: 'all' });
    for (let run = 0; run < 250; run++) jobs.complete('often', noon);
    const record = jobs.recordOf('often');
    expect([record.runs.length, record.durations.length]).toEqual([maxRuns, maxDurations]);
    expect(record.succeeded).toBe(250);
    expect(record.runs[0]?.id).toBe(250);
  });
});
