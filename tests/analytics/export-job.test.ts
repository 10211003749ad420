/** Reporting exports by a job of its own, beside `npm run analytics`, and is killed meanwhile. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { JobOperations } from '@slipway/contract-kit/jobs';
import { jobs } from '@slipway/contracts/operations';
import { getAnswer } from '@slipway/contracts/reporting';
import { logIn } from '@slipway/contracts/users';
import { readManifest } from '@slipway/reporting/analytics/manifest';
import { openStore } from '@slipway/reporting/store/open';
import { paid } from '@slipway/reporting/testing/events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ok } from '../support/http.ts';
import { endedRun, requestRun } from '../support/jobs.ts';
import { eventually } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';

const program = join(import.meta.dirname, '../../apps/reporting/src/analytics/main.ts');
const operations = jobs.reporting as JobOperations;
const job = { params: { job: 'event-export' } };
const firstEvents = 100;
const moreEvents = 5_000;

let dataDir: string;
let folder: string;
let system: System;
let token: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'export-job-'));
  folder = join(dataDir, 'analytics');
  await storePayments(firstEvents);
  system = await startSystem({ dataDir, env: { JOB_LEASE_MS: '600' } });
  token = (await ok(system.base, logIn, { body: system.admin })).accessToken;
  await eventually('the first export is published', () => readManifest(folder));
}, 120_000);
afterAll(async () => {
  await system.stop();
  await rm(dataDir, { recursive: true });
});

/** Stores payments of one cent where reporting will find them, while it does not run. */
async function storePayments(count: number): Promise<void> {
  const store = await openStore(`sqlite:${dataDir}/reporting.db`);
  for (let n = 0; n < count; n += 1)
    await store.apply(paid({ amount: 1, at: `2026-0${1 + (n % 9)}-05T00:00:00Z` }));
  await store.close();
}

/** Returns the sum of all payments in the last export. */
async function paidInAll(): Promise<number> {
  const params = { question: 'revenue-by-month' };
  const { items } = await ok(system.base, getAnswer, { params }, { token });
  return items.reduce((sum, { paid: amount }) => sum + Number(amount), 0);
}

const requested = () => requestRun(operations, job, { base: system.base, token });
const ended = (id: number) => endedRun(id, operations, job, { base: system.base, token });

it('the job exports what was stored before the first start', async () => {
  expect(await paidInAll()).toBe(firstEvents);
});

it('a reporting that is killed in the middle of an export leaves the last one, and goes on after its start', async () => {
  const { reporting } = system.services;
  await reporting.kill('SIGTERM');
  await storePayments(moreEvents);
  await reporting.start();
  const before = await readManifest(folder);
  const { id } = await requested();
  // The folder exists only while an export is running.
  const staged = () => readdir(join(folder, 'staging')).catch(() => []);
  const reads = async () => (await staged()).some((name) => name.endsWith('.ndjson'));
  await eventually('it reads events', reads, 15_000, 1);
  await reporting.kill('SIGKILL');
  expect(await staged()).not.toEqual([]);
  expect(await readManifest(folder)).toEqual(before);
  await reporting.start();
  expect(await paidInAll()).toBe(firstEvents);
  expect(await ended(id)).toMatchObject({ state: 'succeeded' });
  expect(await paidInAll()).toBe(firstEvents + moreEvents);
}, 120_000);

it('the job and `npm run analytics` do each other no harm: the answers are whole at any time', async () => {
  const everything = await paidInAll();
  let going = true;
  const env = { ...process.env, STORE_URL: '', DATA_DIR: dataDir };
  const command = () =>
    new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile(process.execPath, [program, 'revenue-by-month', '--csv'], { env }, (error, _stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stderr }),
      );
    });
  const asking = (async () => {
    while (going) {
      expect(await paidInAll()).toBe(everything);
      await wait(20);
    }
  })();
  try {
    for (let round = 0; round < 4; round += 1) {
      const { id } = await requested();
      const [one, other] = await Promise.all([command(), command(), ended(id)]);
      for (const { code, stderr } of [one, other]) {
        if (code !== 0) expect(stderr).toContain('Another process exports into');
      }
    }
  } finally {
    going = false;
    await asking;
  }
  const { id } = await requested();
  expect(await ended(id)).toMatchObject({ state: 'succeeded' });
  expect(await paidInAll()).toBe(everything);
}, 120_000);
