/** The time lines of the console, while a replica is rolled out under load. */
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type System, startSystem } from '../support/system.ts';
import { expectAccessible, textOf, useBrowser, whySkipped } from './browser.ts';

describe.skipIf(whySkipped)(`the rollouts${whySkipped}`, () => {
  const browser = useBrowser();
  let system: System;
  beforeAll(async () => {
    system = await startSystem({ env: { DRAIN_DELAY_MS: '3000' } });
  });
  afterAll(() => system?.stop());

  const patient = { timeout: 20_000 };
  const changes = (page: Page) => expect.poll(() => textOf(page, '[aria-label=Changes] tbody'), patient);

  it('show the signal, the drain, the end and the next start of a process, and what clients saw', async () => {
    const page = await browser.open(`${system.base}/#rollouts`);
    await changes(page).toMatch(/billing\s+\w+\s+ready/);
    const traffic = setInterval(() => void fetch(`${system.base}/api/v1/plans`).catch(() => undefined), 50);
    await system.services.billing.restart();
    await changes(page).toMatch(
      /billing\s+(\w+)\s+ready[\s\S]+billing\s+\1\s+starting[\s\S]+billing\s+(\w+)\s+SIGTERM: draining/,
    );
    await changes(page).toMatch(/gone: the process has ended/);
    clearInterval(traffic);
    const bars = await page.$$eval('.curves .bar', (all) => all.map((bar) => bar.getAttribute('class')));
    expect(bars).toEqual(expect.arrayContaining(['bar starting', 'bar ready', 'bar draining']));
    const points = await page.$eval('.curve.count', (line) => line.getAttribute('points'));
    expect(points?.split(' ').length).toBeGreaterThan(3);
    expect(await page.$$eval('[data-process]', (lines) => lines.length)).toBe(5);
    await expectAccessible(page);
  });
});
