import { type Job as JobForPeople, type JobRun, jobOperations } from '@slipway/contract-kit/jobs';
import type { Operation, Output } from '@slipway/contract-kit/operation';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { registerAuthentication } from '../http/authentication.ts';
import { defineService } from '../service/service.ts';
import { platformSettings } from '../service/settings.ts';
import { buildTestService } from '../testing/service.ts';
import { createTokenSigner } from '../testing/tokens.ts';
import { defineJob } from './job.ts';
import { registerJobRoutes } from './job-routes.ts';
import { memoryJobs } from './job-store.fixture.ts';
import { registerJobs } from './scheduler.ts';

const operations = jobOperations('shop');
const { listJobs, listJobRuns, runJob, pauseJob, resumeJob } = operations;

/** Runs end when a test says so. */
let ends: PromiseWithResolvers<void>[];
const untilTold = () => {
  const end = Promise.withResolvers<void>();
  ends.push(end);
  return end.promise;
};

const jobs = [
  defineJob({ name: 'stock-count', schedule: 'R/2126-01-01T01:15:00/P1D', retries: 0, run: untilTold }),
  defineJob({ name: 'stock-report', after: ['stock-count'], run: async () => undefined }),
];

let signer: Awaited<ReturnType<typeof createTokenSigner>>;
let service: Awaited<ReturnType<typeof startShop>>;
let base: string;
let logged: string;

/** Starts a service with jobs, on a port. */
async function startShop() {
  const shop = defineService({
    name: 'shop',
    version: '1.0.0',
    settings: platformSettings,
    register(app, { log, metrics, tracing, lifecycle, shareBy }) {
      const readKeys = async () => signer.keySet;
      registerAuthentication(app, { readKeys, shareBy });
      const parts = { service: 'shop', jobs, store: memoryJobs(), lifecycle, log, metrics, tracing };
      registerJobRoutes(app, registerJobs(app, parts), operations);
    },
  });
  const logTo = {
    write(line: string) {
      logged += line;
    },
  };
  const started = await buildTestService(shop, { LOG_LEVEL: 'info' }, { logTo });
  base = await started.app.listen({ port: 0 });
  return started;
}

beforeEach(async () => {
  ends = [];
  logged = '';
  signer = await createTokenSigner();
  service = await startShop();
  await vi.waitFor(async () => expect((await list()).length).toBe(2));
});
afterEach(async () => {
  for (const { resolve } of ends) resolve();
  await service.app.close();
});

/** Sends a request and returns its answer, or the problem document of its failure. */
async function send<Op extends Operation>({ method, url }: Op, job = '', roles = ['admin']) {
  const answer = await fetch(base + url.replace(':job', job), {
    method,
    headers: { authorization: `Bearer ${await signer.tokenFor('root', ...roles)}` },
  });
  return { status: answer.status, body: (await answer.json()) as Output<Op> };
}

const list = async (): Promise<JobForPeople[]> => (await send(listJobs)).body.items;
const jobNamed = async (name: string) => (await list()).find((job) => job.name === name);
const runsOf = async (job: string): Promise<JobRun[]> => (await send(listJobRuns, job)).body.items;
const stateOfLast = async (job: string) => (await runsOf(job))[0]?.state;

describe('the list of jobs', () => {
  it('has each job in the order of its definition, with its next run', async () => {
    expect(await list()).toMatchObject([
      {
        ...{ name: 'stock-count', state: 'scheduled', schedule: 'R/2126-01-01T01:15:00/P1D', parents: [] },
        ...{ timeZone: 'UTC', nextRunAt: '2126-01-01T01:15:00.000Z', succeeded: 0, failed: 0 },
      },
      { name: 'stock-report', state: 'waiting', parents: ['stock-count'] },
    ]);
  });

  it('counts a success, its duration, and the run of the child that follows', async () => {
    await send(runJob, 'stock-count');
    await vi.waitFor(() => expect(ends).toHaveLength(1));
    ends[0]?.resolve();
    await vi.waitFor(async () => expect(await jobNamed('stock-report')).toMatchObject({ succeeded: 1 }));
    const count = await jobNamed('stock-count');
    expect(count).toMatchObject({
      ...{ state: 'scheduled', succeeded: 1, lastSuccessAt: expect.any(String) },
      lastRun: { cause: 'request', state: 'succeeded', attempts: 1 },
    });
    expect(count?.durations?.p50).toBeGreaterThanOrEqual(0);
    expect((await runsOf('stock-report'))[0]).toMatchObject({ cause: 'parents', state: 'succeeded' });
  });
});

describe('a requested run', () => {
  it('is accepted, runs at once, and is in the history until and after it ends', async () => {
    const { status, body } = await send(runJob, 'stock-count');
    expect({ status, body }).toMatchObject({ status: 202, body: { id: 1, cause: 'request', state: 'due' } });
    await vi.waitFor(async () => expect(await stateOfLast('stock-count')).toBe('running'));
    ends[0]?.resolve();
    await vi.waitFor(async () => expect(await stateOfLast('stock-count')).toBe('succeeded'));
    expect((await runsOf('stock-count')).map(({ id }) => id)).toEqual([body.id]);
  });

  it('is rejected as a conflict while an attempt is running', async () => {
    await send(runJob, 'stock-count');
    await vi.waitFor(() => expect(ends).toHaveLength(1));
    const { status, body } = await send(runJob, 'stock-count');
    expect({ status, body }).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: 'The job stock-count is running' },
    });
  });

  it('that fails has its error in the history', async () => {
    await send(runJob, 'stock-count');
    await vi.waitFor(() => expect(ends).toHaveLength(1));
    ends[0]?.reject(new Error('a shelf is missing'));
    await vi.waitFor(async () => expect(await stateOfLast('stock-count')).toBe('failed'));
    expect((await runsOf('stock-count'))[0]).toMatchObject({ attempts: 1, error: 'a shelf is missing' });
    expect(await jobNamed('stock-count')).toMatchObject({ state: 'failed', failed: 1 });
  });
});

describe('a paused job', () => {
  it('says so until it is resumed, and both can be repeated', async () => {
    for (const _ of [1, 2]) {
      const { status, body } = await send(pauseJob, 'stock-count');
      expect({ status, body }).toMatchObject({ status: 200, body: { state: 'paused', paused: true } });
    }
    expect(await jobNamed('stock-count')).toMatchObject({ state: 'paused' });
    for (const _ of [1, 2]) {
      const { status, body } = await send(resumeJob, 'stock-count');
      expect({ status, body }).toMatchObject({ status: 200, body: { state: 'scheduled', paused: false } });
    }
  });

  it('does not follow its parents until it is resumed', async () => {
    await send(pauseJob, 'stock-report');
    await send(runJob, 'stock-count');
    await vi.waitFor(() => expect(ends).toHaveLength(1));
    ends[0]?.resolve();
    await vi.waitFor(async () => expect(await jobNamed('stock-count')).toMatchObject({ succeeded: 1 }));
    expect(await jobNamed('stock-report')).toMatchObject({ state: 'paused', succeeded: 0 });
    await send(resumeJob, 'stock-report');
    await vi.waitFor(async () => expect(await jobNamed('stock-report')).toMatchObject({ succeeded: 1 }));
  });
});

describe('the operations of jobs', () => {
  const ofOneJob = [listJobRuns, runJob, pauseJob, resumeJob];

  it.each(ofOneJob)('know no other job: $method $url', async (operation) => {
    const { status, body } = await send(operation, 'nothing');
    expect({ status, body }).toMatchObject({
      status: 404,
      body: { code: 'not_found', detail: 'No job is named nothing' },
    });
  });

  it('log who has requested, paused and resumed a job', async () => {
    for (const operation of [pauseJob, resumeJob, runJob]) await send(operation, 'stock-count');
    const lines = logged.split('\n').filter((line) => line.includes('"userId"'));
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { msg: 'job paused', job: 'stock-count', userId: 'root', correlationId: expect.any(String) },
      { msg: 'job resumed', job: 'stock-count', userId: 'root' },
      { msg: 'job requested', job: 'stock-count', userId: 'root' },
    ]);
  });

  it.each(ofOneJob)('reject a name that no job can have: $method $url', async (operation) => {
    const { status, body } = await send(operation, 'Stock');
    expect({ status, body }).toMatchObject({ status: 400, body: { errors: [{ field: 'path.job' }] } });
  });

  it.each(Object.values(operations))('are for administrators: $method $url', async (operation) => {
    expect(await send(operation, 'stock-count', ['member'])).toMatchObject({ status: 403 });
    expect((await fetch(base + operation.url, { method: operation.method })).status).toBe(401);
  });
});
