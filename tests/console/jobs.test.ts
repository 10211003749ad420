/** The view of jobs: what administrators see of them, and how they control them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, newPerson } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';
import { expectAccessible, textOf, useBrowser, whySkipped } from './browser.ts';
import { logIn, press, shows } from './forms.ts';

describe.skipIf(whySkipped)(`the jobs in the console${whySkipped}`, { timeout: 120_000 }, () => {
  const browser = useBrowser();
  let system: System;
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system?.stop());

  /** Logs in, and goes to the jobs by the navigation. */
  async function openJobs(account: { email: string; password: string }, options = {}) {
    const page = await browser.open(`${system.base}/#business`, options);
    await logIn(page, account);
    await (await page.waitForSelector('nav ::-p-text(Jobs)', { visible: true }))?.click();
    return page;
  }

  const rowOf = (job: string) => `tr:has(button[aria-label="History: ${job}"])`;

  it('are for administrators only', async () => {
    const page = await openJobs(await newPerson(system.base));
    await shows(page, 'Only administrators see and control jobs.');
    expect(await textOf(page, 'main')).not.toContain('session-cleanup');
  });

  it('are shown with their next runs, percentiles and parents', async () => {
    const page = await openJobs(system.admin);
    for (const job of ['users/session-cleanup', 'billing/billing-cycle', 'reporting/figures-check'])
      await shows(page, job, 'th[scope=row]');
    await shows(page, 'after billing/billing-cycle', rowOf('reporting/figures-check'));
    await expect
      .poll(() => textOf(page, rowOf('billing/billing-cycle')))
      .toMatch(/scheduled\s+in \d+ (hour|minute|second)s?\s+succeeded .+ ago\s+\d+\s+0\s+\d+ ms/);
    const label = 'reporting/figures-check waits for billing/billing-cycle.';
    await page.waitForSelector(`svg[aria-label="${label}"] .edge`);
    await expectAccessible(page);
  });

  it('run when an administrator requests it, and show the run in the history', async () => {
    const page = await openJobs(system.admin);
    await press(page, 'Run now: users/session-cleanup');
    await shows(page, 'has been requested.', '[role=status]');
    await press(page, 'History: users/session-cleanup');
    expect(await page.evaluate('document.activeElement.textContent')).toBe(
      'History of users/session-cleanup',
    );
    const newest = '[aria-label="Runs of users/session-cleanup"] tbody tr:first-child';
    await shows(page, 'request', newest);
    await shows(page, 'succeeded', newest);
    await expectAccessible(page);
  });

  it('are paused and resumed, with the focus on the same button', async () => {
    const page = await openJobs(system.admin);
    const job = 'billing/idempotency-cleanup';
    await press(page, `Pause: ${job}`);
    await shows(page, `${job} is paused.`, '[role=status]');
    await shows(page, 'paused', `${rowOf(job)} .state`);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Resume');
    await press(page, `Resume: ${job}`);
    await shows(page, `${job} is resumed.`, '[role=status]');
    await shows(page, 'scheduled', `${rowOf(job)} .state`);
  });

  it('of other services are shown while one is down, and come back without a reload', async () => {
    const page = await openJobs(system.admin, { expected: /status of 50\d / });
    await shows(page, 'reporting/figures-check', 'th[scope=row]');
    await system.services.reporting.kill('SIGKILL');
    await shows(page, 'The jobs of reporting:', '[role=alert]');
    await shows(page, 'users/session-cleanup', 'th[scope=row]');
    await system.services.reporting.start();
    await eventually(
      'the failure is gone',
      async () => !(await textOf(page, 'main')).includes('The jobs of'),
    );
    await shows(page, 'reporting/figures-check', 'th[scope=row]');
  });
});
