import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { defineJob, type Job } from '@slipway/platform/jobs/job';
import { createJobLoop } from '@slipway/platform/jobs/job-loop';
import type { JobStore } from '@slipway/platform/jobs/job-record';
import { loopParts } from '../jobs/loop-parts.ts';
import { openWorkerStore } from '../jobs/stores.ts';
import { realServers } from '../support/stores.ts';
import { table, writeReport } from './report.ts';
import { median } from './statistics.ts';

const replicaCount = 3;
const dueCount = 1_000;
const idleJobs = 20;
const idleSeconds = 30;
const punctualRuns = 20;

/** The commands of all replicas to their store, and how many of them another replica had made in vain. */
type Counts = { commands: number; conflicts: number };

/** Measures how three replicas share many due jobs, how late jobs begin, and their cost while nothing is due. */
export async function jobs(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  const { mongodb, datastore } = realServers();
  const database = () => `bench-${randomUUID().slice(0, 13)}`;
  const urls: [string, () => string][] = [
    ['SQLite', () => `sqlite:${folder}/${database()}.db`],
    ...(mongodb ? [['MongoDB', () => `${mongodb}/${database()}`] satisfies [string, () => string]] : []),
    ...(datastore
      ? [['Datastore', () => `datastore://slipway/${database()}`] satisfies [string, () => string]]
      : []),
  ];
  const head = [
    ...['', 'due jobs a second', 'commands a run', 'conflicts a run', 'run twice'],
    ...['late, p50 ms', 'late, longest ms', 'idle: commands a second', 'idle: CPU, ms a second'],
  ];
  try {
    const rows: string[][] = [];
    for (const [name, url] of urls) {
      const row = [name, ...(await drain(url())), ...(await beginOnTime(url())), ...(await idle(url()))];
      process.stdout.write(`  ${row.join(', ')}\n`);
      rows.push(row);
    }
    writeReport('jobs', table(head, rows));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs three replicas during some work, each with a connection of its own. */
async function withReplicas<T>(
  url: string,
  jobs: Job[],
  counts: Counts,
  work: () => Promise<T>,
  isRunning = true,
): Promise<T> {
  const stores = [];
  for (let replica = 0; replica < replicaCount; replica++) stores.push(await openWorkerStore(url));
  const loops = stores.map((store) =>
    createJobLoop({ ...loopParts(jobs), store: counting(store.jobs, counts) }),
  );
  if (isRunning) for (const loop of loops) loop.start();
  try {
    return await work();
  } finally {
    await Promise.all(loops.map(({ stop }) => stop()));
    await Promise.all(stores.map(({ close }) => close()));
  }
}

function counting(store: JobStore, counts: Counts): JobStore {
  const counted = <Args extends unknown[], Result>(command: (...args: Args) => Promise<Result>) => {
    return async (...args: Args) => {
      counts.commands += 1;
      const result = await command(...args);
      if (result === false) counts.conflicts += 1;
      return result;
    };
  };
  return {
    get: counted(store.get),
    add: counted(store.add),
    replace: counted(store.replace),
    remove: counted(store.remove),
    list: counted(store.list),
  };
}

/** Measures three replicas with jobs that are all due at the same moment. */
async function drain(url: string): Promise<string[]> {
  const runs: string[] = [];
  const counts = { commands: 0, conflicts: 0 };
  const due = Array.from({ length: dueCount }, (_, n) =>
    defineJob({
      name: `job-${n}`,
      schedule: 'R1/2026-01-01T00:00:00/P1D',
      run: async () => void runs.push(`job-${n}`),
    }),
  );
  await register(url, due);
  const startedAt = performance.now();
  await withReplicas(url, due, counts, async () => {
    while (runs.length < dueCount) await wait(20);
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  const twice = runs.length - new Set(runs).size;
  return [
    (dueCount / seconds).toFixed(0),
    (counts.commands / dueCount).toFixed(2),
    (counts.conflicts / dueCount).toFixed(3),
    String(twice),
  ];
}

/** Registers jobs before the measurement begins, by a replica that is stopped before it runs one. */
async function register(url: string, due: Job[]): Promise<void> {
  const store = await openWorkerStore(url);
  const notYet = () => Date.parse('2025-12-31T00:00:00Z');
  const loop = createJobLoop({ ...loopParts(due), store: store.jobs, clock: notYet });
  loop.start();
  while ((await store.jobs.list()).length < due.length) await wait(50);
  await loop.stop();
  await store.close();
}

/** Measures how much later than planned runs begin that are a second apart. */
async function beginOnTime(url: string): Promise<string[]> {
  const late: number[] = [];
  const start = new Date(Date.now() + 2_000).toISOString();
  const job = defineJob({
    name: 'punctual',
    schedule: `R${punctualRuns}/${start}/PT1S`,
    run: async ({ plannedAt }) => void late.push(Date.now() - Date.parse(plannedAt)),
  });
  await withReplicas(url, [job], { commands: 0, conflicts: 0 }, async () => {
    while (late.length < punctualRuns) await wait(20);
  });
  return [median(late).toFixed(0), Math.max(...late).toFixed(0)];
}

/** Measures a replica while nothing is due, beyond the same process without its loop. */
async function idle(url: string): Promise<string[]> {
  const jobs = Array.from({ length: idleJobs }, (_, n) =>
    defineJob({ name: `job-${n}`, schedule: 'R/2099-01-01T00:00:00/P1D', run: async () => undefined }),
  );
  const counts = { commands: 0, conflicts: 0 };
  const without = await withReplicas(url, jobs, counts, cpuOfRest, false);
  return withReplicas(url, jobs, counts, async () => {
    await wait(6_000);
    counts.commands = 0;
    const cpu = (await cpuOfRest()) - without;
    return [
      (counts.commands / idleSeconds / replicaCount).toFixed(2),
      (Math.max(0, cpu) / replicaCount).toFixed(2),
    ];
  });
}

/** Waits, and returns the CPU of this process meanwhile; milliseconds a second. */
async function cpuOfRest(): Promise<number> {
  const before = process.cpuUsage();
  await wait(idleSeconds * 1_000);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / idleSeconds;
}
