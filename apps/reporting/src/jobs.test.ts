import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { newEvent } from '@slipway/platform/events/new-event';
import { LeaseLost } from '@slipway/platform/jobs/fence';
import type { Job, JobAttempt } from '@slipway/platform/jobs/job';
import { attemptJob } from '@slipway/platform/testing/job-attempt';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readManifest } from './analytics/manifest.ts';
import { reportingJobs } from './jobs.ts';
import { rebuild } from './rebuild.ts';
import { openStore } from './store/open.ts';
import type { ReportingStore } from './store/store.ts';
import { paid, used } from './testing/events.ts';
import { startReporting } from './testing/service.ts';

const billed = (succeeded: number): DomainEvent =>
  newEvent('billing', 'job.succeeded', { job: 'billing-cycle', succeeded }, `job.succeeded:${succeeded}`);

describe('the figures', () => {
  async function startWithChecks() {
    const reporting = await startReporting();
    onTestFinished(() => reporting.stop());
    const checks = async () => (await reporting.store.jobs.get('figures-check'))?.succeeded;
    await vi.waitFor(async () => expect(await checks()).toBe(0));
    return { ...reporting, checks };
  }

  it('are checked each time billing has told that its cycle succeeded, and only then', async () => {
    const { deliver, checks } = await startWithChecks();
    await deliver([paid({})]);
    await deliver([newEvent('billing', 'job.succeeded', { job: 'payment-recovery', succeeded: 9 })]);
    await deliver([billed(1)]);
    await vi.waitFor(async () => expect(await checks()).toBe(1), 10_000);
    await deliver([billed(1)]);
    await deliver([billed(2)]);
    await vi.waitFor(async () => expect(await checks()).toBe(2), 10_000);
  });

  it('are checked after an event that was stored, but whose delivery failed before the job was told', async () => {
    const { store, deliver, checks } = await startWithChecks();
    await store.apply(billed(1));
    expect((await deliver([billed(1)])).json()).toMatchObject({ applied: 0, duplicates: 1 });
    await vi.waitFor(async () => expect(await checks()).toBe(1), 10_000);
  });

  it('are not changed by the success of a job', async () => {
    const { deliver, ask, checks } = await startWithChecks();
    await deliver([paid({})]);
    const revenue = async () => (await ask('GET', '/api/v1/reports/revenue')).json();
    const before = await revenue();
    expect((await deliver([billed(1)])).json()).toEqual({ applied: 1, duplicates: 0, rejected: 0 });
    await vi.waitFor(async () => expect(await checks()).toBe(1), 10_000);
    expect(await revenue()).toEqual(before);
  });
});

describe('an attempt of the check', () => {
  /** A store with 500 events, whose recounts are counted. */
  async function openFull() {
    const store = await openStore('sqlite::memory:');
    onTestFinished(() => store.close());
    for (let n = 0; n < 500; n++) await store.apply(used({ quantity: n }));
    return { store, recount: vi.spyOn(store, 'recount') };
  }

  async function check(store: ReportingStore, given: Partial<JobAttempt> = {}) {
    const job = reportingJobs(store).find(({ name }) => name === 'figures-check');
    if (job) await attemptJob(job, given);
  }

  /** Makes an attempt that is stopped after its first batch, and returns its checkpoint. */
  async function stopEarly(store: ReportingStore): Promise<unknown> {
    const stop = new AbortController();
    const recount: ReportingStore['recount'] = async (...args) => {
      stop.abort(new Error('the service stops'));
      return store.recount(...args);
    };
    let checkpoint: unknown;
    const saveCheckpoint = async (given: unknown) => {
      checkpoint = given;
    };
    const stopped = check({ ...store, recount }, { signal: stop.signal, saveCheckpoint });
    await expect(stopped).rejects.toThrow('the service stops');
    return checkpoint;
  }

  it('goes on where an earlier one was stopped', async () => {
    const { store, recount } = await openFull();
    const checkpoint = await stopEarly(store);
    await check(store, { checkpoint });
    const counted = await Promise.all(recount.mock.results.map(({ value }) => value));
    expect(counted).toEqual([200, 200, 100, 0]);
  });

  it('begins again if somebody has rebuilt the figures since', async () => {
    const { store, recount } = await openFull();
    const checkpoint = await stopEarly(store);
    await rebuild(store);
    recount.mockClear();
    await check(store, { checkpoint });
    expect(recount.mock.calls.map(([snapshot]) => snapshot)).toEqual([2, 4, 4, 4, 4]);
  });

  it('fails if the figures differed, and so does the next one, although they are correct now', async () => {
    const { store } = await openFull();
    const saved: unknown[] = [];
    const saveCheckpoint = async (given: unknown) => void saved.push(given);
    const finishRebuild = async (snapshot: number) => (await store.finishRebuild(snapshot)) && false;
    await expect(check({ ...store, finishRebuild }, { saveCheckpoint })).rejects.toThrow('figures differed');
    await expect(check(store, { checkpoint: saved.at(-1) })).rejects.toThrow('figures differed');
    await check(store);
  });
});

describe('the export', () => {
  async function newFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'export-job-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }

  it('is a job only where a folder is set', async () => {
    const store = await openStore('sqlite::memory:');
    onTestFinished(() => store.close());
    const names = (jobs: Job[]) => jobs.map(({ name }) => name);
    expect(names(reportingJobs(store))).toEqual(['figures-check']);
    const analytics = { folder: 'analytics', memory: '128MB' };
    expect(names(reportingJobs(store, analytics))).toEqual(['figures-check', 'event-export']);
  });

  it('is made at the first start, and whenever it is requested', async () => {
    const folder = await newFolder();
    const { store, ask, deliver, stop } = await startReporting('sqlite::memory:', {
      ANALYTICS_FOLDER: folder,
    });
    onTestFinished(stop);
    const runs = async () => (await store.jobs.get('event-export'))?.succeeded;
    await vi.waitFor(async () => expect(await runs()).toBe(1), 10_000);
    expect(await readManifest(folder)).toMatchObject({ number: 1, events: 0 });
    await deliver([paid({}), paid({})]);
    expect((await ask('POST', '/api/v1/jobs/reporting/event-export/runs')).statusCode).toBe(202);
    await vi.waitFor(async () => expect(await runs()).toBe(2), 10_000);
    expect(await readManifest(folder)).toMatchObject({ number: 2, events: 2 });
  });

  /** Opens a store with two events, and returns a function that makes an attempt. */
  async function openTwo() {
    const [store, folder] = [await openStore('sqlite::memory:'), await newFolder()];
    onTestFinished(() => store.close());
    await store.apply(paid({}));
    await store.apply(paid({}));
    const job = reportingJobs(store, { folder, memory: '128MB' }).find(({ name }) => name === 'event-export');
    if (!job) throw new Error('There is no job event-export');
    return { folder, attempt: (given: Partial<JobAttempt> = {}) => attemptJob(job, given) };
  }

  it('is not published by an attempt that has lost its lease; the next attempt publishes it', async () => {
    const { folder, attempt } = await openTwo();
    const check = () => {
      throw new LeaseLost('event-export');
    };
    const fence = { job: 'event-export', token: 1, check };
    await expect(attempt({ fence })).rejects.toThrow(LeaseLost);
    expect(await readManifest(folder)).toBeUndefined();
    await attempt();
    expect(await readManifest(folder)).toMatchObject({ number: 1, events: 2 });
  });

  it('ends when its signal aborts', async () => {
    const { folder, attempt } = await openTwo();
    const signal = AbortSignal.abort(new Error('the service stops'));
    await expect(attempt({ signal })).rejects.toThrow('the service stops');
    expect(await readManifest(folder)).toBeUndefined();
  });
});
