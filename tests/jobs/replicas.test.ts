/** Runs jobs on three replicas in this process, each with a connection of its own to the same store. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { defineJob, type Job, type JobAttempt } from '@slipway/platform/jobs/job';
import { createJobLoop, type JobLoop } from '@slipway/platform/jobs/job-loop';
import type { JobStore } from '@slipway/platform/jobs/job-record';
import type { Metrics } from '@slipway/platform/telemetry/metrics';
import { seriesValue } from '@slipway/platform/testing/metrics';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loopParts } from './loop-parts.ts';
import { openWorkerStore, type WorkerStore } from './stores.ts';

const { TEST_MONGODB_URL: mongodb, DATASTORE_EMULATOR_HOST: datastore } = process.env;

const stores: [name: string, url: (folder: string) => string, isThere: boolean][] = [
  ['SQLite', (folder) => `sqlite:${folder}/jobs.db`, true],
  ['MongoDB', () => `${mongodb}/test-${randomUUID().slice(0, 13)}`, Boolean(mongodb)],
  ['Datastore', () => `datastore://slipway/test-${randomUUID().slice(0, 13)}`, Boolean(datastore)],
];

type Options = { leaseMs?: number; clock?: () => number; conflicts?: { count: number } };
type Replica = JobLoop & { metrics: Metrics; store: WorkerStore };

let folder: string;
const replicas: Replica[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-'));
});
afterEach(async () => {
  await Promise.all(replicas.map(({ stop }) => stop()));
  for (const { store } of replicas.splice(0)) await store.close();
  rmSync(folder, { recursive: true });
});

async function start(url: string, jobs: Job[], options: Options = {}): Promise<Replica> {
  const store = await openWorkerStore(url);
  const parts = loopParts(jobs);
  const { conflicts, ...settings } = options;
  const jobStore = conflicts ? countConflicts(store.jobs, conflicts) : store.jobs;
  const loop = createJobLoop({ ...parts, store: jobStore, leaseMs: 3_000, ...settings });
  const replica = { ...loop, metrics: parts.metrics, store };
  replicas.push(replica);
  replica.start();
  return replica;
}

/** Counts the writes that another replica has made vain. */
function countConflicts(store: JobStore, conflicts: { count: number }): JobStore {
  return {
    ...store,
    async replace(change) {
      const isWritten = await store.replace(change);
      if (!isWritten) conflicts.count += 1;
      return isWritten;
    },
  };
}

const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
const soon = { timeout: 60_000, interval: 50 };

describe.for(stores.filter(([, , isThere]) => isThere))(
  'three replicas on %s',
  { timeout: 120_000 },
  ([, urlIn]) => {
    it('make each of 200 runs exactly once', async () => {
      const url = urlIn(folder);
      const planned: string[] = [];
      const job = defineJob({
        name: 'often',
        schedule: `R200/${secondsAgo(200)}/PT1S`,
        catchUp: 'all',
        run: async ({ plannedAt }: JobAttempt) => void planned.push(plannedAt),
      });
      const [first] = await Promise.all([1, 2, 3].map(() => start(url, [job])));
      await expect.poll(async () => (await first?.store.jobs.get('often'))?.succeeded, soon).toBe(200);
      expect(planned.length).toBe(200);
      expect(new Set(planned).size).toBe(200);
    });

    it('make each of 100 due jobs exactly once', async () => {
      const url = urlIn(folder);
      const made: string[] = [];
      const jobs = Array.from({ length: 100 }, (_, n) =>
        defineJob({
          name: `job-${n}`,
          schedule: `R1/${secondsAgo(5)}/P1D`,
          run: async () => void made.push(`job-${n}`),
        }),
      );
      const conflicts = { count: 0 };
      await Promise.all([1, 2, 3].map(() => start(url, jobs, { conflicts })));
      await expect.poll(() => made.length, soon).toBe(100);
      await wait(500);
      expect(new Set(made).size).toBe(100);
      expect(made.length).toBe(100);
      // If every replica tried each job, there would be 200.
      expect(conflicts.count).toBeLessThan(100);
    });

    it('run a job that is due once, within a second of its time, whatever the clock of one of them', async () => {
      const url = urlIn(folder);
      const begun: number[] = [];
      const at = Date.now() + 5_000;
      const job = defineJob({
        name: 'due',
        schedule: `R1/${new Date(at).toISOString()}/P1D`,
        run: async () => void begun.push(Date.now() - at),
      });
      const behind = () => Date.now() - 600_000;
      await Promise.all([start(url, [job]), start(url, [job]), start(url, [job], { clock: behind })]);
      await expect.poll(() => begun.length, soon).toBe(1);
      expect(begun[0]).toBeGreaterThanOrEqual(0);
      expect(begun[0]).toBeLessThan(1_000);
    });

    it('do not take over a lease that is renewed, even if the clock of one is ten minutes ahead', async () => {
      const url = urlIn(folder);
      const attempts: number[] = [];
      const job = defineJob({
        name: 'long',
        schedule: `R1/${secondsAgo(60)}/P1D`,
        async run({ attempt, signal }) {
          attempts.push(attempt);
          await wait(4_000, undefined, { signal });
        },
      });
      const ahead = () => Date.now() + 600_000;
      const options = { leaseMs: 1_500 };
      await start(url, [job], options);
      await expect.poll(() => attempts.length, soon).toBe(1);
      const other = await start(url, [job], { ...options, clock: ahead });
      await expect.poll(async () => (await other.store.jobs.get('long'))?.succeeded, soon).toBe(1);
      expect(attempts).toEqual([1]);
    });
  },
);

describe('a replica', { timeout: 120_000 }, () => {
  it('retries a run that fails, then reports it as failed, and begins the next planned one', async () => {
    const url = `sqlite:${folder}/jobs.db`;
    const attempts: string[] = [];
    const job = defineJob({
      name: 'broken',
      schedule: `R2/${secondsAgo(3_600)}/PT1H`,
      catchUp: 'all',
      retries: 1,
      async run({ plannedAt, attempt }) {
        attempts.push(`${plannedAt.slice(11, 16)} ${attempt}`);
        throw new Error('no answer');
      },
    });
    const child = defineJob({
      name: 'child',
      after: ['broken'],
      run: async () => void attempts.push('child'),
    });
    const { store, metrics } = await start(url, [job, child]);
    await expect.poll(async () => (await store.jobs.get('broken'))?.failed, soon).toBe(2);
    expect(attempts.map((text) => text.split(' ')[1])).toEqual(['1', '2', '1', '2']);
    expect(new Set(attempts.map((text) => text.split(' ')[0])).size).toBe(2);
    expect(await seriesValue(metrics, 'job_runs_total', { job: 'broken', outcome: 'retried' })).toBe(2);
    expect(await seriesValue(metrics, 'job_runs_total', { job: 'broken', outcome: 'failed' })).toBe(2);
    expect((await store.jobs.get('broken'))?.runs[0]?.error).toBe('no answer');
  });

  it('ends an attempt that takes too long, as one that failed', async () => {
    const job = defineJob({
      name: 'slow',
      schedule: `R1/${secondsAgo(60)}/P1D`,
      ...{ retries: 0, timeoutMs: 200 },
      run: ({ signal }) => wait(30_000, undefined, { signal }),
    });
    const { store } = await start(`sqlite:${folder}/jobs.db`, [job]);
    await expect
      .poll(async () => (await store.jobs.get('slow'))?.runs[0]?.error, soon)
      .toBe('not done within 200 ms');
  });

  it('loses the lease while its store is locked for longer, and the run is made again', async () => {
    const url = `sqlite:${folder}/jobs.db`;
    const attempts: { attempt: number; signal: AbortSignal }[] = [];
    const job = defineJob({
      name: 'long',
      schedule: `R1/${secondsAgo(60)}/P1D`,
      async run({ attempt, signal }) {
        attempts.push({ attempt, signal });
        if (attempt === 1) await wait(60_000, undefined, { signal });
      },
    });
    const { store, metrics } = await start(url, [job], { leaseMs: 1_500 });
    await expect.poll(() => attempts.length, soon).toBe(1);
    const other = new DatabaseSync(`${folder}/jobs.db`);
    other.exec('BEGIN IMMEDIATE');
    await expect.poll(() => attempts[0]?.signal.aborted, soon).toBe(true);
    other.exec('ROLLBACK');
    other.close();
    await expect.poll(async () => (await store.jobs.get('long'))?.succeeded, soon).toBe(1);
    expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(await seriesValue(metrics, 'job_runs_total', { job: 'long', outcome: 'lost' })).toBe(1);
  });

  it('runs children once their parents have succeeded, in a diamond', async () => {
    const order: string[] = [];
    const note = (name: string, ...after: string[]) =>
      defineJob({
        name,
        ...(after.length > 0 ? { after } : { schedule: `R1/${secondsAgo(60)}/P1D` }),
        run: async () => void order.push(name),
      });
    const jobs = [note('bottom', 'left', 'right'), note('left', 'top'), note('right', 'top'), note('top')];
    await start(`sqlite:${folder}/jobs.db`, jobs);
    await expect.poll(() => order.length, soon).toBe(4);
    await wait(500);
    expect(order.length).toBe(4);
    expect([order[0], order[3]]).toEqual(['top', 'bottom']);
  });

  it('asks its store once in a third of a lease while nothing is due', async () => {
    const jobs = Array.from({ length: 20 }, (_, n) =>
      defineJob({
        name: `job-${n}`,
        schedule: `R/2030-01-01T00:00:00/P1D`,
        catchUp: 'none',
        run: async () => {},
      }),
    );
    const url = `sqlite:${folder}/jobs.db`;
    const { store } = await start(url, jobs);
    await expect.poll(async () => (await store.jobs.list()).length, soon).toBe(20);
    let commands = 0;
    const counted = {
      ...store.jobs,
      list: () => {
        commands++;
        return store.jobs.list();
      },
    };
    const parts = loopParts(jobs);
    const loop = createJobLoop({ ...parts, store: counted, leaseMs: 600 });
    loop.start();
    await wait(2_100);
    await loop.stop();
    // Once to register, and then every 200 ms.
    expect(commands).toBeLessThanOrEqual(12);
    expect(commands).toBeGreaterThan(5);
  });
});
