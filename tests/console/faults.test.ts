/** The view of faults: an administrator causes them, and everybody sees them. */
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { get } from '../support/request.ts';
import { type System, startSystem } from '../support/system.ts';
import { expectAccessible, textOf, useBrowser, whySkipped } from './browser.ts';
import { logIn, says, shows, submit } from './forms.ts';

describe.skipIf(whySkipped)(`the view of faults${whySkipped}`, { timeout: 120_000 }, () => {
  const browser = useBrowser();
  let system: System;
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system?.stop());

  const plans = async () => (await get(`${system.base}/api/v1/plans`)).status;
  const note = (page: Page) => expect.poll(() => textOf(page, '#experiments'), { timeout: 20_000 });
  const running = (page: Page) => expect.poll(() => textOf(page, 'main section'), { timeout: 20_000 });

  /** Logs in as the administrator, and goes to the faults by the navigation. */
  async function openAsAdmin() {
    const page = await browser.open(`${system.base}/#business`);
    await logIn(page, system.admin);
    await (await page.waitForSelector('nav ::-p-text(Faults)', { visible: true }))?.click();
    return page;
  }

  it('is read by everybody, and each fault leads to its lab', async () => {
    const page = await browser.open(`${system.base}/#faults`);
    await running(page).toContain('No experiment runs.');
    await shows(page, 'Only administrators cause faults.');
    const labs = await page.$$eval('[aria-label=Labs] a', (links) => links.map(({ href }) => href));
    expect(labs.map((each) => each.replace(/^https:.*\/docs\//, ''))).toEqual(
      ['slow-service', 'failing-service', 'hanging-service', 'slow-store', 'store-down'].map(
        (lab) => `labs/${lab}.md`,
      ),
    );
    expect(await page.$('form')).toBeNull();
    await expectAccessible(page);
  });

  it('causes a fault that every viewer sees on every view, and that ends by itself', async () => {
    const viewer = await browser.open(`${system.base}/#map`);
    const admin = await openAsAdmin();
    await expectAccessible(admin);
    await submit(admin, 'Cause a fault', {
      ...{ service: 'billing', 'fault.on': 'store', 'fault.kind': 'error', seconds: '8' },
    });
    await says(admin, 'Cause a fault', 'Started in 1 process of billing.');
    await running(admin).toMatch(/billing\s+[\da-f]{8}\s+Each store command fails\.\s+in \d s/);
    await note(viewer).toBe('An experiment runs. billing: Each store command fails.');
    await shows(viewer, 'Not ready: billing.');
    await expectAccessible(viewer);
    await expectAccessible(admin);

    await note(viewer).toBe('');
    await shows(viewer, 'All services are ready.');
    await running(admin).toContain('No experiment runs.');
    expect(await plans()).toBe(200);
  });

  it('ends a fault before its time', async () => {
    const admin = await openAsAdmin();
    await submit(admin, 'Cause a fault', {
      ...{ service: 'billing', 'fault.kind': 'error', 'fault.share': '100', seconds: '300' },
    });
    await running(admin).toContain('Each request fails.');
    expect(await plans()).toBe(500);
    await submit(admin, 'End an experiment', { service: 'billing' });
    await says(admin, 'End an experiment', 'Ended in 1 process of billing.');
    await running(admin).toContain('No experiment runs.');
    await expect.poll(plans, { timeout: 20_000 }).toBe(200);
  });

  it('shows what is wrong beside its field', async () => {
    const admin = await openAsAdmin();
    await submit(admin, 'Cause a fault', { seconds: '301' });
    const field = await admin.waitForSelector('[name=seconds][aria-invalid]');
    expect(
      await field?.evaluate(({ validity }) => (validity as { rangeOverflow: boolean }).rangeOverflow),
    ).toBe(true);
  });

  it('says which setting allows experiments where they are not allowed', async () => {
    await system.services.gateway.restart({ EXPERIMENTS_TOKEN: '' });
    const admin = await openAsAdmin();
    await shows(admin, 'The setting EXPERIMENTS_TOKEN allows them.');
  });
});
