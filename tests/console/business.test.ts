/** The view in which the business is used: from a sign-up to a paid invoice, and the reports of administrators. */
import { randomUUID } from 'node:crypto';
import { runBilling, subscribe } from '@slipway/contracts/billing';
import { getRecurring } from '@slipway/contracts/reporting';
import { logIn as logInOperation, logOut as logOutOperation } from '@slipway/contracts/users';
import { exportEvents } from '@slipway/reporting/analytics/export';
import { openStore } from '@slipway/reporting/store/open';
import type { HTTPRequest, Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ok } from '../support/http.ts';
import { eventually, newPerson } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';
import { expectAccessible, textOf, useBrowser, whySkipped } from './browser.ts';
import { type Account, logIn, logOut, press, says, shows, submit } from './forms.ts';

/** Longer than the first period of a subscription. */
const inFortyDays = () => new Date(Date.now() + 40 * 86_400_000).toISOString();

/** A browser reports each response with an error on its console. */
const status = (code: number) => ({ expected: new RegExp(`status of ${code} `) });

describe.skipIf(whySkipped)(`the business in the console${whySkipped}`, { timeout: 120_000 }, () => {
  const browser = useBrowser();
  let system: System;
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system?.stop());

  const open = (options = {}) => browser.open(`${system.base}/#business`, options);
  const newAccount = (): Account => ({ email: `${randomUUID()}@example.com`, password: 'correct horse' });
  const adminToken = async () => (await ok(system.base, logInOperation, { body: system.admin })).accessToken;

  /** Makes a customer with an open invoice. */
  async function newDebtor(): Promise<Account> {
    const { email, password, token } = await newPerson(system.base);
    const options = { token, key: randomUUID() };
    await ok(system.base, subscribe, { body: { planId: 'starter' } }, options);
    await ok(system.base, runBilling, { body: { asOf: inFortyDays() } }, { token: await adminToken() });
    return { email, password };
  }

  /** Exports the events as soon as reporting has one of a subscription. */
  async function exportAll(): Promise<void> {
    const token = await adminToken();
    await eventually('a subscription is reported', async () => {
      const { items } = await ok(system.base, getRecurring, {}, { token });
      return items.length > 0;
    });
    const store = await openStore(`sqlite:${system.dataDir}/reporting.db`);
    await exportEvents({ store, folder: `${system.dataDir}/analytics` });
    await store.close();
  }

  it('leads a customer from the sign-up to an invoice that is declined, and then paid', async () => {
    const page = await open(status(402));
    const account = newAccount();
    await submit(page, 'Sign up', { name: 'Ada', ...account });
    await shows(page, account.email, '#account');
    await submit(page, 'Subscribe', { planId: 'starter' });
    await says(page, 'Subscribe', 'You are subscribed to the plan starter.');
    await submit(page, 'Send usage', { metric: 'api_calls', quantity: '25000' });
    await says(page, 'Send usage', '25,000 api_calls have been recorded.');
    await shows(page, 'api_calls: 25,000', '[aria-label=Subscriptions] td');
    await logOut(page);

    await logIn(page, system.admin);
    await typeDate(page, inFortyDays().slice(0, 10));
    await submit(page, 'Issue invoices');
    await says(page, 'Issue invoices', 'Invoices issued: 1.');
    await logOut(page);

    await logIn(page, account);
    await shows(page, '€28.00', '[aria-label=Invoices] td');
    await submit(page, 'Pay an invoice', { method: 'pm_decline' });
    await says(page, 'Pay an invoice', 'The payment was declined. The card has insufficient funds.');
    await shows(page, 'open', '[aria-label=Invoices] td:last-child');
    await submit(page, 'Pay an invoice', { method: 'pm_ok' });
    await says(page, 'Pay an invoice', 'Paid: €28.00.');
    await shows(page, 'paid', '[aria-label=Invoices] td:last-child');
    await expectAccessible(page);
  });

  it('says that a payment is not confirmed, and pays it once with the next attempt', async () => {
    const page = await open(status(503));
    await logIn(page, await newDebtor());
    await submit(page, 'Pay an invoice', { method: 'pm_late' });
    await says(
      page,
      'Pay an invoice',
      'has not confirmed the payment or refund yet. The same request is sent',
    );
    await says(page, 'Pay an invoice', 'Paid: €19.00.');
    await shows(page, 'paid', '[aria-label=Invoices] td:last-child');
  });

  it('shows a customer nothing of others, and no report', async () => {
    const other = await newDebtor();
    const page = await open();
    const { email, password } = await newPerson(system.base, 'Grace');
    await logIn(page, { email, password });
    await shows(page, 'There are no invoices yet.');
    await shows(page, 'You have no subscription.');
    const text = await textOf(page, 'main');
    expect(text).not.toContain(other.email);
    expect(text).not.toMatch(/Revenue|People|Billing run/);
  });

  it('shows an administrator what was paid, as a chart and a table', async () => {
    const page = await open();
    await logIn(page, await newDebtor());
    await submit(page, 'Pay an invoice', { method: 'pm_ok' });
    await says(page, 'Pay an invoice', 'Paid: €19.00.');
    await logOut(page);

    await logIn(page, system.admin);
    await expect
      .poll(async () => {
        await press(page, 'Refresh Revenue by month');
        return page.$$eval('[aria-label="Revenue by month"] tbody tr', (rows) => rows.length);
      })
      .toBe(1);
    await page.waitForSelector('svg[aria-label="Revenue by month, EUR"] rect');
    await shows(page, 'Monthly recurring revenue');
    await page.waitForSelector('svg[aria-label="Monthly recurring revenue, EUR"] rect');
    await expectAccessible(page);
  });

  it('answers questions about the whole history, as of the last export', async () => {
    const page = await open();
    await logIn(page, system.admin);
    await newDebtor();
    await exportAll();
    await submit(page, 'Ask a question', { question: 'churn' });
    await says(page, 'Ask a question', 'The answer is about the export of ');
    await shows(page, 'EUR', '[aria-label=churn] td');
    await page.waitForSelector('svg[aria-label^="How did the monthly recurring revenue change"] rect');
    await expectAccessible(page);
  });

  it('shows a hostile name as text, to its owner and to administrators', async () => {
    const hostile = '<img src=x onerror="console.error(1)"><script>console.error(2)</script>';
    const page = await open();
    const account = newAccount();
    await submit(page, 'Sign up', { name: hostile, ...account });
    await shows(page, hostile, '#account');
    await logOut(page);
    await logIn(page, system.admin);
    await shows(page, hostile, '[aria-label=People] td');
    expect(await page.$$('main img, main script')).toEqual([]);
  });

  it('shows an error beside the field that it names, and moves the focus there', async () => {
    const page = await open(status(400));
    await submit(page, 'Sign up', { name: 'Ada', email: 'nobody', password: 'correct horse' });
    expect(await focusedField(page)).toMatchObject({ name: 'email', error: expect.stringContaining('@') });

    // The service knows better than the browser what it accepts.
    await page.$eval('form[aria-label="Sign up"] [name=email]', (input) =>
      input.setAttribute('type', 'text'),
    );
    await submit(page, 'Sign up', { name: 'Ada', email: 'nobody', password: 'correct horse' });
    await says(page, 'Sign up', 'Check the marked fields.');
    expect(await focusedField(page)).toMatchObject({
      name: 'email',
      error: expect.stringContaining('pattern'),
    });
    await expectAccessible(page);
  });

  it('moves the focus to the heading when somebody logs in, and works by keyboard alone', async () => {
    const { email, password } = await newPerson(system.base);
    const page = await open();
    await (await page.waitForSelector('form[aria-label="Log in"] [name=email]', { visible: true }))?.click();
    for (const text of [email, password]) {
      await page.keyboard.type(text);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await shows(page, email, '#account');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Account');
  });

  describe('a session', () => {
    it('continues after a reload, and renews its access token once for all requests', async () => {
      const page = await open(status(401));
      await logIn(page, await newDebtor());
      await page.waitForNetworkIdle();
      const renewals = await expireToken(page);
      await page.reload();
      await shows(page, '€19.00', '[aria-label=Invoices] td');
      expect(renewals()).toBe(1);
    });

    it('that was ended elsewhere asks to log in again', async () => {
      const page = await open(status(401));
      const { email, password } = await newPerson(system.base);
      await logIn(page, { email, password });
      await page.waitForNetworkIdle();
      const { refreshToken } = JSON.parse(await storedTokens(page));
      await ok(system.base, logOutOperation, { body: { refreshToken } });
      await expireToken(page);
      await press(page, 'Refresh Invoices');
      await shows(page, 'The session has ended. Log in again.');
      expect(await storedTokens(page)).toBe('');
    });
  });
});

/** Types a date, which browsers divide into parts by the language. */
async function typeDate(page: Page, date: string): Promise<void> {
  const field = 'form[aria-label="Issue invoices"] [name=asOf]';
  await page.$eval(field, (input, value) => Object.assign(input, { value }), date);
}

async function focusedField(page: Page): Promise<unknown> {
  return page.evaluate(`({
    name: document.activeElement.name,
    error: document.activeElement.parentElement.querySelector('.error').textContent,
  })`);
}

const storedTokens = (page: Page) =>
  page.evaluate(`sessionStorage.getItem('slipway-tokens') ?? ''`) as Promise<string>;

/**
 * Makes the access token of a page expire: requests with it are rejected as the services would reject them.
 *
 * @returns the function that returns how often the token has been renewed
 */
async function expireToken(page: Page): Promise<() => number> {
  const { accessToken } = JSON.parse(await storedTokens(page));
  let renewals = 0;
  await page.setRequestInterception(true);
  page.on('request', (request: HTTPRequest) => {
    if (request.url().endsWith('/sessions/refresh')) renewals += 1;
    if (request.headers().authorization !== `Bearer ${accessToken}`) return request.continue();
    const problem = { code: 'token_expired', title: 'Expired', status: 401, detail: 'Expired' };
    return request.respond({ status: 401, body: JSON.stringify(problem) });
  });
  return () => renewals;
}
