import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobRun } from '@slipway/contract-kit/jobs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findJob, type ServiceJob } from '../../scripts/jobs/jobs.ts';
import { duration, jobsTable, relative, runsTable } from '../../scripts/jobs/table.ts';
import { ensureSecrets } from '../../scripts/secrets.ts';
import { type System, startSystem } from '../support/system.ts';

const now = Date.parse('2026-03-01T12:00:00Z');

const job: ServiceJob = {
  ...{ service: 'shop', name: 'count', state: 'scheduled', timeZone: 'UTC', parents: [], paused: false },
  ...{ schedule: 'R/2026-01-01T01:15:00/P1D', nextRunAt: '2026-03-02T01:15:00Z', succeeded: 0, failed: 0 },
};
const run: JobRun = {
  ...{ id: 9, cause: 'schedule', state: 'failed', plannedAt: '2026-03-01T01:15:00.000Z', attempts: 4 },
  ...{ startedAt: '2026-03-01T01:15:00.100Z', endedAt: '2026-03-01T01:16:40.100Z', error: 'no\n  shelf' },
};

describe('the table of jobs', () => {
  it('shows when a job runs, how its last run ended, and how long its runs take', () => {
    const durations = { p50: 12, p75: 340, p95: 61_000, p99: 7_200_000 };
    const ran = { ...job, succeeded: 11, failed: 1, lastRun: run, durations };
    expect(jobsTable([ran], now)).toBe(
      [
        'job         state      begins                     next run     last run             succeeded  failed    p50     p75       p95  p99',
        'shop/count  scheduled  R/2026-01-01T01:15:00/P1D  in 13 hours  failed 10 hours ago         11       1  12 ms  340 ms  1.02 min  2 h',
      ].join('\n'),
    );
  });

  it('shows the time zone, the parents, and that a job has never run', () => {
    const berlin = { ...job, timeZone: 'Europe/Berlin', parents: ['open', 'billing/bill'] };
    const { schedule: _none, nextRunAt: _never, ...child } = { ...berlin, name: 'child' };
    const [, first, second] = jobsTable([berlin, child], now).split('\n');
    expect(first).toContain('/P1D Europe/Berlin after open, billing/bill  in 13 hours  never');
    expect(second).toMatch(/^shop\/child +scheduled +after open, billing\/bill +never/);
  });

  it('shows a history with one line for each run', () => {
    const open: JobRun = { id: 10, cause: 'request', state: 'due', plannedAt: run.plannedAt, attempts: 0 };
    expect(runsTable([open, run]).split('\n')).toEqual([
      expect.stringMatching(/^run +state +cause +planned +started +took +attempts +error$/),
      expect.stringMatching(/^ 10 +due +request +2026-03-01T01:15:00.000Z +0$/),
      expect.stringMatching(/^ {2}9 +failed +schedule .* 1.67 min +4 +no shelf$/),
    ]);
  });

  it.each([
    ['2026-03-01T12:00:00.400Z', 'now'],
    ['2026-03-01T11:59:59Z', '1 second ago'],
    ['2026-03-01T12:01:59Z', 'in 1 minute'],
    ['2026-02-27T00:00:00Z', '2 days ago'],
    [undefined, ''],
  ])('shows the time %s as "%s"', (timestamp, text) => {
    expect(relative(timestamp, now)).toBe(text);
  });

  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1 s'],
    [59_940, '59.9 s'],
    [3_600_000, '1 h'],
  ])('shows %i milliseconds as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});

describe('a job', () => {
  const jobs = [job, { ...job, service: 'stock' }, { ...job, name: 'order' }];
  const listed = { jobs, failures: ['users: unreachable'] };

  it('is found by its name, or with its service', () => {
    expect(findJob(listed, 'order').name).toBe('order');
    expect(findJob(listed, 'stock/count').service).toBe('stock');
  });

  it('whose name two services use must be named with its service', () => {
    expect(() => findJob(listed, 'count')).toThrow('Which one? shop/count, stock/count');
  });

  it('that does not exist is an error with the names of all, and of the services that did not answer', () => {
    const names = 'Jobs: shop/count, stock/count, shop/order\nusers: unreachable';
    expect(() => findJob(listed, 'none')).toThrow(`No job is named none. ${names}`);
  });
});

describe('npm run jobs', { timeout: 60_000 }, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-jobs-'));
  let system: System;
  let here: NodeJS.ProcessEnv;
  beforeAll(async () => {
    system = await startSystem({ dataDir, secrets: ensureSecrets(dataDir, {}) });
    here = { DATA_DIR: dataDir, GATEWAY_PORT: new URL(system.base).port };
    await vi.waitFor(async () => expect(await jobsSucceeded()).toBe(true), {
      timeout: 30_000,
      interval: 200,
    });
  }, 60_000);
  afterAll(async () => {
    await system.stop();
    rmSync(dataDir, { recursive: true });
  });

  type Ended = { code: unknown; stdout: string; stderr: string };
  const jobs = (args: string[], env = here) =>
    new Promise<Ended>((resolve) => {
      const script = join(import.meta.dirname, '../../scripts/jobs.ts');
      const { ADMIN_EMAIL: _email, ADMIN_PASSWORD: _password, ...others } = process.env;
      execFile(process.execPath, [script, ...args], { env: { ...others, ...env } }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      );
    });
  const listed = async (): Promise<ServiceJob[]> => JSON.parse((await jobs(['--json'])).stdout).items;
  /** Each schedule begins in the past, so all jobs run after the first start. */
  const jobsSucceeded = async () => (await listed()).every(({ succeeded }) => succeeded > 0);
  const lastRunOf = async (name: string): Promise<JobRun> =>
    JSON.parse((await jobs(['history', name, '--json'])).stdout).items[0];

  it('shows the jobs of all services', async () => {
    const { code, stdout, stderr } = await jobs([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const names = stdout.split('\n').map((line) => line.split(' ')[0]);
    expect(names).toEqual(['job', ...(await listed()).map(({ service, name }) => `${service}/${name}`), '']);
    expect(names).toContain('users/session-cleanup');
    expect(stdout).toMatch(/^reporting\/figures-check +waiting +after billing\/billing-cycle +succeeded/m);
  });

  it('runs a job, also one that is paused, and the child in another service follows', async () => {
    expect(await jobs(['pause', 'billing-cycle'])).toMatchObject({
      stdout: 'billing/billing-cycle is paused\n',
    });
    const before = await lastRunOf('figures-check');
    const { code, stdout } = await jobs(['run', 'billing/billing-cycle']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^billing\/billing-cycle: run \d+ begins/),
    });
    const cycle = () => lastRunOf('billing-cycle');
    await expect.poll(cycle, { timeout: 20_000 }).toMatchObject({ cause: 'request', state: 'succeeded' });
    const check = async () => (await lastRunOf('figures-check')).id;
    await expect.poll(check, { timeout: 20_000 }).toBeGreaterThan(before.id);
    const table = (await jobs(['resume', 'billing-cycle'])).stdout;
    expect(table).toMatch(/^billing\/billing-cycle +scheduled +R\/2026/m);
  });

  it('shows the history of a job', async () => {
    const { code, stdout } = await jobs(['history', 'session-cleanup']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ *1 +succeeded +schedule +\S+Z +\S+Z +[\d.]+ m?s +1$/m);
  });

  it.each([
    ['an unknown job', ['run', 'nothing'], {}, /^No job is named nothing\. Jobs: users\//],
    ['an unknown action', ['stop', 'billing-cycle'], {}, /^Usage: npm run jobs/],
    ['a missing job', ['run'], {}, /^Usage: npm run jobs/],
    ['a port where nothing runs', [], { GATEWAY_PORT: '9' }, /^Nothing answers at http:\/\/127\.0\.0\.1:9\./],
    [
      'a wrong password',
      [],
      { ADMIN_EMAIL: 'admin@slipway.local', ADMIN_PASSWORD: 'wrong-password' },
      /^The login of admin@slipway\.local failed: The e-mail address or the password is wrong/,
    ],
    [
      'a folder without secrets',
      [],
      { DATA_DIR: '/nowhere' },
      /^There is no \/nowhere\/secrets\.json: run npm start first/,
    ],
    [
      'another system without a password',
      ['--base', 'http://localhost:1'],
      {},
      /^With --base, set ADMIN_EMAIL/,
    ],
  ])('ends with 1 and says why, with %s', async (_what, args, env, message) => {
    const { code, stdout, stderr } = await jobs(args, { ...here, ...env });
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(message) });
  });

  it('shows the other jobs if a service is unreachable, and ends with 1', async () => {
    await system.services.reporting.kill('SIGTERM');
    const { code, stdout, stderr } = await jobs([]);
    expect(code).toBe(1);
    expect(stdout).toContain('billing/billing-cycle');
    expect(stdout).not.toContain('reporting/');
    expect(stderr).toMatch(/^reporting: .+\n$/);
  });
});
