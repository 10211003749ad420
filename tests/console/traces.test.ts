/** The view of traces: a failed request as administrators see it, and nobody else. */
import { logIn as startSession } from '@slipway/contracts/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failedPayment } from '../support/failed-payment.ts';
import { ok } from '../support/http.ts';
import { newPerson } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';
import { expectAccessible, textOf, useBrowser, whySkipped } from './browser.ts';
import { logIn, press, shows } from './forms.ts';

describe.skipIf(whySkipped)(`the traces in the console${whySkipped}`, { timeout: 120_000 }, () => {
  const browser = useBrowser();
  let system: System;
  let traceId: string;
  beforeAll(async () => {
    system = await startSystem();
    const { accessToken } = await ok(system.base, startSession, { body: system.admin });
    traceId = await failedPayment(system.base, await newPerson(system.base), accessToken);
  }, 240_000);
  afterAll(() => system?.stop());

  /** Logs in, and goes to the traces by the navigation. */
  async function openTraces(account: { email: string; password: string }, options = {}) {
    const page = await browser.open(`${system.base}/#business`, options);
    await logIn(page, account);
    await (await page.waitForSelector('nav ::-p-text(Traces)', { visible: true }))?.click();
    return page;
  }

  it('are for administrators only', async () => {
    const page = await openTraces(await newPerson(system.base));
    await shows(page, 'Only administrators see traces.');
    await page.evaluate(`location.hash = '#traces/${traceId}'`);
    await shows(page, 'Only administrators see traces.');
    expect(await textOf(page, 'main')).not.toContain('invoiceId');
  });

  it('are listed with the reason, and each is a waterfall with the spans of all services', async () => {
    const page = await openTraces(system.admin);
    const row = `tr:has(a[href="#traces/${traceId}"])`;
    await shows(page, '503', row);
    expect(await textOf(page, row)).toMatch(
      /POST \/api\/v1\/invoices\/:invoiceId\/payments\s+failed\s+503\s+[\d.]+ s/,
    );
    await expectAccessible(page);
    await (await page.waitForSelector(`a[href="#traces/${traceId}"]`))?.click();
    await shows(page, 'payment-provider charge', '[aria-label=Spans]');
    expect(await page.evaluate('document.activeElement.textContent')).toBe(`Trace ${traceId}`);
    const files = await textOf(page, '[aria-label=Spans]');
    for (const file of [
      'apps/gateway/src/routes/forwarded.ts',
      'apps/gateway/src/forward.ts',
      'apps/billing/src/routes/payments.ts',
      'apps/billing/src/store/sqlite.ts',
    ])
      expect(files).toContain(file);
    await expectAccessible(page);
  });

  it('draw each span as a bar at its time: the wait for the provider takes most of it', async () => {
    const page = await openTraces(system.admin);
    await page.evaluate(`location.hash = '#traces/${traceId}'`);
    await shows(page, 'billing payment-provider charge', '.waterfall title');
    const widths = await page.$$eval('.waterfall g', (groups) =>
      groups.map((each) => [
        each.querySelector('title')?.textContent,
        Number(each.querySelector('rect')?.getAttribute('width')),
      ]),
    );
    const widthOf = (text: string) => Number(widths.find(([title]) => String(title).includes(text))?.[1]);
    expect(widthOf('gateway POST')).toBeGreaterThan(500);
    expect(widthOf('payment-provider charge')).toBeGreaterThan(500);
    expect(widthOf('store invoices.get')).toBeLessThan(100);
    expect(await page.$$('.waterfall .bar.failed')).not.toHaveLength(0);
  });

  it('include those of administrators, but no looks at traces, and a link leads back to the list', async () => {
    const page = await openTraces(system.admin);
    await page.evaluate(`location.hash = '#traces/${traceId}'`);
    await press(page, `Refresh Trace ${traceId}`);
    await (await page.waitForSelector('a::-p-text(All traces)'))?.click();
    await shows(page, 'by an administrator', '[aria-label=Traces]');
    const list = await textOf(page, '[aria-label=Traces]');
    expect(list).toContain('GET /api/v1/users/me');
    expect(list).not.toContain('/system/traces');
  });

  it('say so if a trace is not stored any more', async () => {
    const page = await openTraces(system.admin, { expected: /status of 404/ });
    await page.evaluate(`location.hash = '#traces/${'0'.repeat(32)}'`);
    await shows(page, 'No service has stored this trace', '[role=alert]');
    await expectAccessible(page);
  });
});
