/** The map of the console, on a system whose processes are killed, drained and restarted. */
import { logIn } from '@slipway/contracts/users';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ok } from '../support/http.ts';
import { newPerson } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';
import { expectAccessible, textOf, useBrowser, whySkipped } from './browser.ts';

describe.skipIf(whySkipped)(`the map${whySkipped}`, () => {
  const browser = useBrowser();
  let system: System;
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system?.stop());

  const timeout = 60_000;
  const patient = { timeout: 15_000 };
  const summary = (page: Page) => expect.poll(() => textOf(page, 'main [role=status]'), patient);
  const cardOf = (page: Page, service: string) =>
    expect.poll(() => textOf(page, `[data-service=${service}]`), patient);
  const statesOf = (page: Page, service: string) =>
    page.$$eval(`[data-service=${service}] li`, (items) =>
      items.map((item) => item.getAttribute('data-state')),
    );

  /** Opens the map. A mark on the page shows later that nobody has loaded it again. */
  async function openMap(expected?: RegExp): Promise<Page> {
    const page = await browser.open(`${system.base}/#map`, { expected });
    await summary(page).toBe('All services are ready.');
    await page.evaluate('window.isSamePage = true');
    return page;
  }
  const isSamePage = (page: Page) => page.evaluate('window.isSamePage === true');

  it('shows each service with its store, and the calls between them', async () => {
    const page = await openMap();
    await cardOf(page, 'gateway').toMatch(/^gateway\s+ready\s+\d+ (s|min)/);
    await cardOf(page, 'billing').toMatch(/store up[\s\S]*0 events to deliver/);
    const traffic = setInterval(() => void fetch(`${system.base}/api/v1/plans`), 50);
    await cardOf(page, 'billing').toMatch(/[1-9][\d.]*\/s · p99 \d+ ms/);
    await expect
      .poll(() => textOf(page, '[aria-label=Calls] tbody'), patient)
      .toMatch(/^gateway\s+billing\s+[1-9][\d.]*\s+\d+ ms\s+0\s+closed\s+10$/m);
    clearInterval(traffic);
    expect(await page.$$eval('.call path', (paths) => paths.length)).toBeGreaterThanOrEqual(3);
    await expectAccessible(page);
  });

  it('shows that a service is killed and that it returns, without a reload', { timeout }, async () => {
    const page = await openMap();
    const [before = ''] = await page.$$eval('[data-service=billing] code', (codes) =>
      codes.map((each) => each.textContent ?? ''),
    );
    await system.services.billing.kill('SIGKILL');
    await summary(page).toBe('Not ready: billing.');
    expect(await statesOf(page, 'billing')).toContain('unreachable');
    await expectAccessible(page);
    await system.services.billing.start();
    await summary(page).toBe('All services are ready.');
    expect(await statesOf(page, 'billing')).toEqual(expect.arrayContaining(['gone', 'ready']));
    expect(await textOf(page, '[data-service=billing] li[data-state=ready]')).not.toContain(before);
    expect(await isSamePage(page)).toBe(true);
  });

  it('shows the drain after a SIGTERM', { timeout }, async () => {
    await system.services.billing.restart({ DRAIN_DELAY_MS: '4000' });
    const page = await openMap();
    const gone = system.services.billing.kill('SIGTERM');
    await expect.poll(() => statesOf(page, 'billing'), patient).toContain('draining');
    await summary(page).toBe('Not ready: billing.');
    expect((await gone).code).toBe(0);
    await expect.poll(() => statesOf(page, 'billing'), patient).not.toContain('draining');
    expect(await statesOf(page, 'billing')).toContain('gone');
    await system.services.billing.start();
    await summary(page).toBe('All services are ready.');
  });

  it('goes on when the gateway is back, and shows what happened meanwhile', { timeout }, async () => {
    const page = await openMap(/ERR_|503/);
    await system.services.gateway.kill('SIGTERM');
    await summary(page).toMatch(/^The gateway does not respond. This was the state at /);
    await system.services.users.restart();
    await system.services.gateway.start();
    await summary(page).toBe('All services are ready.');
    await cardOf(page, 'users').toMatch(/ready\s+\d+ s/);
    expect(await isSamePage(page)).toBe(true);
  });

  it('shows a hostile name as text', async () => {
    const hostile = '<img src=x onerror=document.title="hacked">';
    const page = await browser.open(`${system.base}/docs/errors`);
    await page.setRequestInterception(true);
    page.on('request', (request) => {
      if (!request.url().includes('/system/events')) return void request.continue();
      const replica = {
        instance: hostile,
        state: 'ready',
        version: hostile,
        history: [],
        down: [hostile],
        calls: [],
      };
      const service = { name: hostile, notices: [hostile], replicas: [replica] };
      const body = `id: 1\ndata: ${JSON.stringify({ at: new Date().toISOString(), services: [service] })}\n\n`;
      void request.respond({ contentType: 'text/event-stream', body });
    });
    await page.goto(`${system.base}/#map`);
    await expect.poll(() => textOf(page, '.service h3'), patient).toBe(hostile);
    expect(await page.$$('main img')).toEqual([]);
    expect(await page.title()).toBe('Map – Slipway');
  });

  it('shows nobody who uses the system', async () => {
    const { token, email, user } = await newPerson(system.base, 'Grace');
    await ok(system.base, logIn, { body: system.admin });
    await fetch(`${system.base}/api/v1/users/me`, { headers: { authorization: `Bearer ${token}` } });
    const stop = new AbortController();
    const { body } = await fetch(`${system.base}/api/v1/system/events`, { signal: stop.signal });
    let text = '';
    for await (const chunk of body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.split('\ndata: ').length > 3) break;
    }
    stop.abort();
    expect(text).toContain('"instance"');
    for (const secret of [email, user.id, 'Grace', system.admin.email, token, '127.0.0.1', system.dataDir]) {
      expect(text).not.toContain(secret);
    }
  });

  it('loads little: its first view takes few requests and bytes', async () => {
    const page = await browser.open(`${system.base}/docs/errors`);
    const loaded: { url: string; bytes: number }[] = [];
    const client = await page.createCDPSession();
    await client.send('Network.enable');
    const urls = new Map<string, string>();
    client.on('Network.responseReceived', ({ requestId, response }) => urls.set(requestId, response.url));
    client.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      const url = urls.get(requestId) ?? '';
      if (url.startsWith('http')) loaded.push({ url, bytes: encodedDataLength });
    });
    await page.goto(`${system.base}/#map`);
    await summary(page).toBe('All services are ready.');
    const bytes = loaded.reduce((sum, each) => sum + each.bytes, 0);
    process.stdout.write(`first view: ${loaded.length} requests, ${bytes} bytes, and the stream\n`);
    expect(loaded.length).toBeLessThanOrEqual(9);
    expect(bytes).toBeLessThan(20_000);
  });
});
