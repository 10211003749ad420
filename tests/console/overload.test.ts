/** The overload view of the console, while billing is offered more than it can serve. */
import { randomUUID } from 'node:crypto';
import type { Operation } from '@slipway/contract-kit/operation';
import { getTrialBalance, listPlans, subscribe } from '@slipway/contracts/billing';
import { logIn } from '@slipway/contracts/users';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Caller } from '../support/caller.ts';
import { ok } from '../support/http.ts';
import { newPerson } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';
import { expectAccessible, textOf, useBrowser, whySkipped } from './browser.ts';

/** Requests of each operation that wait for their response at the same time. */
const load = 1_000;

describe.skipIf(whySkipped)(`the overload view${whySkipped}`, () => {
  const browser = useBrowser();
  let system: System;
  beforeAll(async () => {
    system = await startSystem({ env: { RATE_LIMIT: '1000000', LOG_LEVEL: 'silent' } });
  });
  afterAll(() => system?.stop());

  const patient = { timeout: 20_000 };
  const summary = (page: Page) => expect.poll(() => textOf(page, 'main [role=status]'), patient);

  /** Sends an operation to billing on many connections, again after each response, until the returned function is called. */
  function flood({ method, url }: Operation, token: string): () => void {
    const request = `${method} ${url} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`;
    const port = Number(new URL(system.services.billing.address).port);
    let isOver = false;
    const callers = Array.from({ length: load }, () => new Caller(port));
    for (const caller of callers) {
      const ask = () =>
        caller.ask(request, 0, (status) => {
          // Not at once, so that the page gets some of the processor.
          if (!isOver && status > 0) setTimeout(ask, 20);
        });
      void caller.connected.then(ask);
    }
    return () => {
      isOver = true;
      for (const caller of callers) caller.giveUp();
    };
  }

  /** Returns the figures of billing in the table, by priority. */
  async function figuresOf(page: Page) {
    const rows = await page.$$eval('[aria-label="Requests by priority"] tbody tr', (all) =>
      all.map((row) => [...row.children].map((cell) => cell.textContent ?? '')),
    );
    const figures = rows
      .filter(([service]) => service === 'billing')
      .map(([, priority, offered, served, , shed, p50, p99, shedBefore]) => {
        const [isServed, isShed] = [Number(served) > 0, Number(shed) > 0];
        const isSum = Number(offered) > Number(served) && Number(offered) > Number(shed);
        return [priority, { isServed, isShed, isSum, p50, p99, shedBefore: Number(shedBefore) }] as const;
      });
    return Object.fromEntries(figures);
  }

  it('shows what is offered, served and shed by priority, during a burst and after it', {
    timeout: 90_000,
  }, async () => {
    const { token } = await newPerson(system.base);
    await ok(system.base, subscribe, { body: { planId: 'starter' } }, { token, key: randomUUID() });
    const admin = (await ok(system.base, logIn, { body: system.admin })).accessToken;
    const page = await browser.open(`${system.base}/#overload/billing`);
    await summary(page).toBe('No service sheds requests.');
    expect(await page.$eval('select', (select) => select.value)).toBe('billing');

    const stops = [flood(listPlans, admin), flood(getTrialBalance, admin)];
    const busy = { isServed: true, isShed: true, isSum: true, p99: expect.stringMatching(/^\d+ ms$/) };
    await expect.poll(() => figuresOf(page), patient).toMatchObject({ interactive: busy });
    await expect.poll(() => figuresOf(page), patient).toMatchObject({ batch: { isShed: true } });
    await summary(page).toMatch(/^Shedding: .*billing \(interactive\).*\.$/);
    for (const stop of stops) stop();

    await summary(page).toBe('No service sheds requests.');
    const after = await figuresOf(page);
    expect(after).toMatchObject({
      money: { isShed: false, shedBefore: 0 },
      interactive: { isShed: false },
      batch: { isShed: false },
    });
    expect(after.interactive?.shedBefore).toBeGreaterThan(0);
    expect(after.batch?.shedBefore).toBeGreaterThan(0);
    const drawn = await page.$$eval('[data-priority=interactive] .curve', (lines) =>
      lines.map((line) => line.getAttribute('class')?.split(' ')[1]),
    );
    expect(new Set(drawn)).toEqual(new Set(['offered', 'served', 'failed', 'rejected', 'p50Ms', 'p99Ms']));
    await expectAccessible(page);
  });

  it('shows the charts of the service that is chosen by the keyboard, and its address has it', async () => {
    const page = await browser.open(`${system.base}/#overload`);
    await summary(page).toBe('No service sheds requests.');
    await page.focus('select');
    await page.keyboard.type('bil');
    await page.waitForSelector('[data-priority=money]');
    expect(page.url()).toBe(`${system.base}/#overload/billing`);
    expect(await page.title()).toBe('Overload – Slipway');
  });
});
