/**
 * Makes the screenshots of the console from a real run: `CHROMIUM=/usr/bin/chromium npm run screenshots`.
 *
 * Fills a system with a month of business, restarts billing under load, and takes a picture of each view for
 * docs/pictures. It takes about two minutes.
 */
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { launch, type Page } from 'puppeteer-core';
import { views } from '../../apps/gateway/src/pages/views.ts';
import { createProgress } from '../../scripts/demo/progress.ts';
import { stepCount, tellStory } from '../../scripts/demo/story.ts';
import { logIn } from '../console/forms.ts';
import { gatherCrowd } from '../rollout/crowd.ts';
import { startTraffic } from '../rollout/traffic.ts';
import { type System, startSystem } from '../support/system.ts';

const root = join(import.meta.dirname, '../..');

/** Short requests a second while the pictures are taken. */
const rate = 40;
/** How long the console is watched before and after billing is restarted, so that curves have a past; milliseconds. */
const watched = 20_000;

const executablePath = process.env.CHROMIUM;
if (!executablePath) throw new Error('CHROMIUM must name a Chromium or Chrome');
const system = await startSystem({
  env: { RATE_LIMIT: '1000000', RATE_LIMIT_SIGN_IN: '1000000', DRAIN_DELAY_MS: '4000' },
});
try {
  await takeAll(system, executablePath);
} finally {
  await system.stop();
}

async function takeAll(system: System, executablePath: string): Promise<void> {
  const { base, admin } = system;
  const story = { base, admin, seed: 'slipway', users: 12, records: 20_000 };
  await tellStory(story, createProgress(process.stdout, stepCount), new AbortController().signal);
  const browser = await launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const traffic = startTraffic(base, await gatherCrowd(base, admin, 11), rate);
  try {
    const page = await browser.newPage();
    await page.setViewport({ width: 1_280, height: 800 });
    await page.goto(`${base}/#business`);
    await logIn(page, admin);
    await page.goto(`${base}/#rollouts`);
    await wait(watched);
    await system.services.billing.restart();
    await wait(watched);
    for (const { name } of views) await take(page, base, name);
  } finally {
    await traffic.stop();
    await browser.close();
  }
}

async function take(page: Page, base: string, view: string): Promise<void> {
  await page.goto(`${base}/#${view}`);
  await page.waitForFunction(
    "document.querySelector('main h2 + div') && !/Loading/.test(document.body.innerText)",
  );
  await page.waitForNetworkIdle({ concurrency: 1, idleTime: 1_000 });
  const path = `docs/pictures/console-${view}.png` as const;
  await page.screenshot({ path: join(root, path) as `${string}.png` });
  process.stdout.write(`${path}\n`);
}
