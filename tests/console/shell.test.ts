/** The frame of the console: its navigation, and how it loads views. */
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { views } from '../../apps/gateway/src/pages/views.ts';
import { type System, startSystem } from '../support/system.ts';
import { expectAccessible, textOf, useBrowser, whySkipped } from './browser.ts';

describe.skipIf(whySkipped)(`the console${whySkipped}`, () => {
  const browser = useBrowser();
  let system: System;
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system?.stop());

  const titleOf = (page: Page) => expect.poll(() => page.title(), { timeout: 10_000 });
  const focused = (page: Page) => page.evaluate('document.activeElement.textContent');

  it('shows the first view if the address names none', async () => {
    const page = await browser.open(system.base);
    await page.waitForSelector('main ::-p-text(All services are ready.)');
    expect(await page.title()).toBe('Map – Slipway');
    expect(await textOf(page, '[aria-current=page]')).toBe('Map');
    expect(await textOf(page, 'h2')).toBe('Map');
  });

  it.each(views)(
    'shows the view $name without a barrier, in light and dark, and on a narrow screen',
    async (view) => {
      const page = await browser.open(`${system.base}/#${view.name}`, { width: 360 });
      await titleOf(page).toBe(`${view.title} – Slipway`);
      await page.waitForFunction(
        "document.querySelector('main h2 + div') && !/Loading/.test(document.body.innerText)",
      );
      for (const value of ['light', 'dark']) {
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
        await expectAccessible(page);
      }
      const wider = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      expect(await page.evaluate(wider)).toBe(0);
    },
  );

  it('skips to the view by the keyboard, and stays at its address', async () => {
    const page = await browser.open(`${system.base}/#map`);
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Skip to the view');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    expect(page.url()).toBe(`${system.base}/#map`);
  });

  it('says that a view cannot be loaded', async () => {
    const page = await browser.open(`${system.base}/docs/errors`, { expected: /./ });
    await page.setRequestInterception(true);
    page.on('request', (request) =>
      request.url().endsWith('/map.js') ? request.abort() : request.continue(),
    );
    await page.goto(`${system.base}/#map`);
    const alert = await page.waitForSelector('[role=alert]');
    expect(await alert?.evaluate((element) => element.textContent)).toMatch(/could not be loaded/);
  });

  it('shows what a service wants everyone to know', async () => {
    const page = await browser.open(system.base);
    await page.waitForSelector('[aria-label=Notices] ::-p-text(test clock)');
  });
});
