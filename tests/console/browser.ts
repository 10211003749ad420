/**
 * A real browser for tests of the console. It runs only if REQUIRE_BROWSER is set, with the Chromium or Chrome at CHROMIUM.
 *
 * @example
 * const browser = useBrowser();                       // one for all tests of a file
 * const page = await browser.open(`${system.base}/#map`);
 * await page.waitForSelector('text/billing');
 */
import axe from 'axe-core';
import { type Browser, launch, type Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';

const { REQUIRE_BROWSER, CHROMIUM } = process.env;
if (REQUIRE_BROWSER && !CHROMIUM) throw new Error('REQUIRE_BROWSER is set, but CHROMIUM names no browser');

/** The reason why tests with a browser are skipped, as a part of their name; an empty string if they run. */
export const whySkipped = REQUIRE_BROWSER ? '' : ', skipped: REQUIRE_BROWSER=1 is not set';

const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];

type OpenOptions = {
  /** Width of the window; pixels. */
  width?: number;
  /** A line that the browser's console may have, because the test causes it, such as a failed connection. */
  expected?: RegExp;
};

/** Starts a browser before the tests of a file, and ends it after them. */
export function useBrowser() {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch({ executablePath: CHROMIUM, args });
  });
  afterAll(() => browser?.close());
  return {
    /** Opens a page of its own session. The test fails if the browser reports an error or a violated policy on it. */
    async open(url: string, { width = 1280, expected }: OpenOptions = {}): Promise<Page> {
      const session = await browser.createBrowserContext();
      const page = await session.newPage();
      const troubles = troublesOf(page);
      onTestFinished(async () => {
        await session.close();
        expect(troubles.filter((text) => !expected?.test(text))).toEqual([]);
      });
      await page.evaluateOnNewDocument(reportViolations);
      await page.setViewport({ width, height: 800 });
      await page.goto(url, { waitUntil: 'load' });
      return page;
    },
  };
}

/** A script that reports each violation of the Content Security Policy on the console. */
const reportViolations = `addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
  console.error('Content Security Policy: ' + violatedDirective + ' blocked ' + blockedURI))`;

/** Collects the errors that a page causes. */
function troublesOf(page: Page): string[] {
  const troubles: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warn')
      troubles.push(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => troubles.push(String(error)));
  return troubles;
}

/** Returns the visible text of a page, or of the first element that a selector matches. */
export const textOf = (page: Page, selector = 'body') =>
  page.$eval(selector, (element) => (element as unknown as { innerText: string }).innerText);

/** Fails the test if axe-core finds a barrier to people with disabilities on a page. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  // Its preloading copies imported style sheets into inline styles, which the policy forbids.
  const { violations } = (await page.evaluate('axe.run({ preload: false })')) as axe.AxeResults;
  const found = violations.map(({ id, help, nodes }) => [id, help, nodes.map(({ html }) => html)]);
  expect(found).toEqual([]);
}
