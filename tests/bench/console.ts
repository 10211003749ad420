import process from 'node:process';
import { launch } from 'puppeteer-core';
import { startSystem } from '../support/system.ts';
import { firstView } from './console/first-view.ts';
import { hourOfReadings } from './console/hour.ts';
import { viewers } from './console/viewers.ts';
import { writeReport } from './report.ts';

/**
 * Measures what the console costs the gateway, and the browser: its CPU by viewers, its first view over a slow link, and its
 * memory after an hour. `CHROMIUM` names the browser.
 */
export async function consoleCosts(): Promise<void> {
  const executablePath = process.env.CHROMIUM;
  if (!executablePath) throw new Error('CHROMIUM must name a Chromium or Chrome');
  const system = await startSystem({ env: { MAX_VIEWERS: '100', TRUSTED_PROXIES: 'loopback' } });
  try {
    writeReport('console-viewers', await viewers(system), 'console');
    const browser = await launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
    try {
      writeReport('console-first-view', await firstView(browser, system.base), 'console');
      writeReport('console-hour', await hourOfReadings(browser, system.base), 'console');
    } finally {
      await browser.close();
    }
  } finally {
    await system.stop();
  }
}
