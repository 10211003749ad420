import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogs } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { dueRun, register } from './due-runs.ts';
import { LeaseLost } from './fence.ts';
import { defineJob, type Job, type JobAttempt } from './job.ts';
import { setPaused } from './job-controls.ts';
import { createJobLoop, type JobLoop } from './job-loop.ts';
import type { JobRecord, JobStore } from './job-record.ts';
import { memoryJobs } from './job-store.fixture.ts';
import { claim } from './run-steps.ts';

const loops: JobLoop[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const loop of loops.splice(0)) await loop.stop();
});

function newLoop(jobs: Job | Job[], store: JobStore): JobLoop {
  const { log } = createLogs('worker', 'silent');
  const tracing = { background: <T>(_name: string, _links: unknown[], work: () => Promise<T>) => work() };
  const metrics = createMetrics('worker', '1.0.0');
  const loop = createJobLoop({
    service: 'worker',
    jobs: [jobs].flat(),
    store,
    log,
    metrics,
    tracing,
    leaseMs: 3_000,
  });
  loops.push(loop);
  return loop;
}

const daily = (run: Job['run']) => defineJob({ name: 'daily', schedule: 'R/2026-01-01T01:15:00/P1D', run });

/** Returns the record of a job that was paused while a replica ran it, which has stopped since. */
function lostWhilePaused(job: Job): JobRecord {
  const now = Date.now();
  const registered = register(undefined, job, now) as JobRecord;
  const records = new Map([[job.name, registered]]);
  const run = dueRun(registered, records, now);
  if (!run) throw new Error('The job must be due');
  const claimed = claim(registered, run, records, { holder: 'stopped', leaseMs: 100, now });
  return setPaused(claimed, true) as JobRecord;
}

describe('the loop of a replica', () => {
  it('takes the lease of a replica that stopped from a job that is paused, and then polls as before', async () => {
    const store = memoryJobs();
    const job = daily(async () => undefined);
    await store.add({ next: lostWhilePaused(job), events: [] });
    let looks = 0;
    const counted = {
      ...store,
      list() {
        looks++;
        return store.list();
      },
    };
    newLoop(job, counted).start();
    await expect.poll(async () => (await store.get('daily'))?.lease).toBeUndefined();
    expect((await store.get('daily'))?.run).toMatchObject({ lost: 1 });
    looks = 0;
    await wait(2_000);
    expect(looks).toBeLessThanOrEqual(4);
  });

  it('runs the other jobs if it cannot read a record', async () => {
    // Keeps the order in which the loop looks at the jobs: the broken one comes first.
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const store = memoryJobs();
    const ran: string[] = [];
    const jobs = ['broken', 'whole'].map((name) =>
      defineJob({ name, schedule: 'R/2026-01-01T01:15:00/P1D', run: async () => void ran.push(name) }),
    );
    const laterVersion: JobStore = {
      ...store,
      async list() {
        const records = await store.list();
        return records.map((record) =>
          record.id === 'broken'
            ? { ...record, plan: { ...record.plan, schedule: 'every second day' }, next: { n: 0, at: 0 } }
            : record,
        );
      },
    };
    for (const job of jobs)
      await store.add({ next: register(undefined, job, Date.now()) as JobRecord, events: [] });
    newLoop(jobs, laterVersion).start();
    await expect.poll(() => ran).toContain('whole');
    expect(ran).not.toContain('broken');
  });

  it('gives a lease back that it receives while it begins to drain', async () => {
    const store = memoryJobs();
    let runs = 0;
    const job = daily(() => {
      runs++;
      return new Promise(() => undefined);
    });
    const whileClaiming: JobStore = {
      ...store,
      replace(change) {
        if (change.next.token === 1) loop.drain();
        return store.replace(change);
      },
    };
    const loop = newLoop(job, whileClaiming);
    loop.start();
    await expect.poll(async () => (await store.get('daily'))?.token).toBe(1);
    await loop.stop();
    expect((await store.get('daily'))?.lease).toBeUndefined();
    expect(runs).toBe(0);
  });

  it('fences an attempt that goes on after its lease was given back', async () => {
    let fence: JobAttempt['fence'] | undefined;
    const job = daily((attempt) => {
      fence = attempt.fence;
      return new Promise(() => undefined);
    });
    const store = memoryJobs();
    const loop = newLoop(job, store);
    loop.start();
    await expect.poll(() => fence).toBeDefined();
    expect(() => fence?.check()).not.toThrow();
    await loop.stop();
    expect((await store.get('daily'))?.lease).toBeUndefined();
    expect(() => fence?.check()).toThrow(LeaseLost);
  });
});
