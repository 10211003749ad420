/** The API page, which Swagger UI draws from the OpenAPI document. */
import { operations } from '@slipway/contracts/operations';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type System, startSystem } from '../support/system.ts';
import { textOf, useBrowser, whySkipped } from './browser.ts';

describe.skipIf(whySkipped)(`the API page${whySkipped}`, () => {
  const browser = useBrowser();
  let system: System;
  beforeAll(async () => {
    system = await startSystem();
  });
  afterAll(() => system?.stop());

  it('lists every operation', async () => {
    const page = await browser.open(`${system.base}/docs`);
    await page.waitForSelector('.opblock');
    const listed = await page.$$eval('.opblock', (blocks) => blocks.length);
    expect(listed).toBe(Object.values(operations).flat().length);
  });

  it('sends an operation and shows its response', async () => {
    const page = await browser.open(`${system.base}/docs`);
    await page.locator('#operations-billing-listPlans .opblock-summary-control').click();
    await page.locator('.try-out__btn').click();
    await page.locator('button.execute').click();
    await page.waitForSelector('.live-responses-table .response-col_status ::-p-text(200)');
    expect(await textOf(page, '.live-responses-table')).toContain('"free"');
  });
});
