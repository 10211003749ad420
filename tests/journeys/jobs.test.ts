import type { JobOperations } from '@slipway/contract-kit/jobs';
import { jobs } from '@slipway/contracts/operations';
import { getAnswer, listQuestions } from '@slipway/contracts/reporting';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ok, send } from '../support/http.ts';
import { runNow } from '../support/jobs.ts';
import { newPerson } from '../support/people.ts';
import { journey } from '../support/suites.ts';
import type { Target } from '../support/target.ts';

const services = Object.entries(jobs) as [string, JobOperations][];
const of = (service: keyof typeof jobs) => jobs[service] as JobOperations;

/** A job whose runs disturb no other journey. */
const cleanup = { params: { job: 'session-cleanup' } };
const exporting = { params: { job: 'event-export' } };

journey('the jobs of the system', (open) => {
  let target: Target;
  let token: string;
  beforeAll(async () => {
    target = await open();
    token = await target.adminToken();
  });
  afterAll(() => target.close());

  it('are listed for an administrator, each with what it waits for', async () => {
    const listed = await Promise.all(
      services.map(async ([service, { listJobs }]) => {
        const { items } = await ok(target.base, listJobs, {}, { token });
        return items.map((job) => ({ ...job, service }));
      }),
    );
    expect(listed.flat()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ service: 'users', name: 'session-cleanup' }),
        expect.objectContaining({
          service: 'billing',
          name: 'billing-cycle',
          timeZone: 'UTC',
          paused: false,
        }),
        expect.objectContaining({ service: 'reporting', parents: ['billing/billing-cycle'] }),
      ]),
    );
  });

  it('run when an administrator requests it, and have the run in their history', async () => {
    const ended = await runNow(of('users'), cleanup, { ...target, token });
    expect(ended).toMatchObject({ cause: 'request', state: 'succeeded', attempts: 1 });
  });

  it('export the events, so that an administrator gets new answers about all of them', async () => {
    const { startedAt = '', ...ended } = await runNow(of('reporting'), exporting, { ...target, token });
    expect(ended).toMatchObject({ cause: 'request', state: 'succeeded' });
    const { items: questions } = await ok(target.base, listQuestions, {}, { token });
    for (const { name } of questions) {
      const question = { params: { question: name } };
      const { exportedAt } = await ok(target.base, getAnswer, question, { token });
      expect(Date.parse(exportedAt)).toBeGreaterThanOrEqual(Date.parse(startedAt));
    }
  }, 60_000);

  it('are paused and resumed by an administrator', async () => {
    const { pauseJob, resumeJob } = of('users');
    const paused = await ok(target.base, pauseJob, cleanup, { token });
    expect(paused).toMatchObject({ name: 'session-cleanup', paused: true });
    const resumed = await ok(target.base, resumeJob, cleanup, { token });
    expect(resumed).toMatchObject({ paused: false, nextRunAt: expect.any(String) });
  });

  it('are hidden from everyone else', async () => {
    const member = await newPerson(target.base);
    for (const [, { listJobs }] of services) {
      const answer = await send(target.base, listJobs, {}, { token: member.token });
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
  });
});
