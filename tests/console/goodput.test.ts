/** The load in the view of overload: an administrator sends it and switches guards, and everybody sees it. */
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newPerson } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';
import { expectAccessible, textOf, useBrowser, whySkipped } from './browser.ts';
import { logIn, shows } from './forms.ts';

describe.skipIf(whySkipped)(`the load in the console${whySkipped}`, { timeout: 180_000 }, () => {
  const browser = useBrowser();
  let system: System;
  beforeAll(async () => {
    system = await startSystem({ env: { LOG_LEVEL: 'silent' } });
  });
  afterAll(() => system?.stop());

  const patient = { timeout: 60_000 };
  const load = 'section:has(.goodput)';
  const running = (page: Page) => expect.poll(() => textOf(page, load), patient);
  const circles = (page: Page, kind: string) => page.$$eval(`${load} circle.${kind}`, ({ length }) => length);

  /** Logs in, and goes to the overload of billing. */
  async function open(account: { email: string; password: string }) {
    const page = await browser.open(`${system.base}/#business`);
    await logIn(page, account);
    await page.evaluate("location.hash = '#overload/billing'");
    await shows(page, 'No load runs.');
    return page;
  }

  it('is sent by the slider, is seen by everybody, and ends', async () => {
    const viewer = await browser.open(`${system.base}/#overload/billing`);
    const admin = await open(system.admin);
    const slider = (await admin.waitForSelector('input[type=range]')) ?? expect.fail();
    await expectAccessible(admin);
    await slider.focus();
    await admin.keyboard.press('Home');
    expect(await textOf(admin, 'output')).toBe('50');
    // More than the 250 that one process can serve, on any machine.
    for (let step = 0; step < 7; step += 1) await admin.keyboard.press('ArrowRight');
    expect(await textOf(admin, 'output')).toBe('400');
    await (await admin.waitForSelector('button ::-p-text(Start)'))?.click();

    await running(viewer).toMatch(/billing gets 400 requests per second \(\d+ s left\): \d+ answered, [1-9]/);
    await expect
      .poll(() => textOf(viewer, 'main [role=status]'), patient)
      .toMatch(/billing \((batch|interactive)/);
    await expect.poll(() => circles(viewer, 'guarded'), patient).toBeGreaterThan(1);

    await admin.focus('input[role=switch]');
    await admin.keyboard.press('Space');
    await running(viewer).toMatch(/The guards of billing are off \(\d+ s left\)/);
    await expect.poll(() => circles(viewer, 'unguarded'), patient).toBeGreaterThan(1);
    await expectAccessible(viewer);
    expect(await admin.$eval('input[role=switch]', (input) => (input as { checked?: boolean }).checked)).toBe(
      false,
    );
    await admin.keyboard.press('Space');
    await expect.poll(() => textOf(viewer, load), patient).not.toContain('are off');

    await (await admin.waitForSelector('button ::-p-text(Stop)'))?.click();
    await running(viewer).toContain('No load runs.');
    await running(admin).toContain('No load runs.');
    await expectAccessible(admin);
  });

  it('is for administrators to control, and for others to see', async () => {
    const page = await open(await newPerson(system.base));
    await shows(page, 'Only administrators send a load.');
    expect(await page.$('input[type=range]')).toBeNull();
    await expectAccessible(page);
  });
});
