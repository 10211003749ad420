import type { SystemReading } from '@slipway/contracts/gateway';
import type { Browser, Page } from 'puppeteer-core';
import { views } from '../../../apps/gateway/src/pages/views.ts';
import { table } from '../report.ts';

/** Readings after which the memory is looked at: those of one minute, of ten minutes, which is what the page stores, and of an hour. */
const looked = [60, 600, 3_600];

/** A stand-in for the stream, because a real hour takes an hour: the bench tells it what to receive. */
const replay = `globalThis.EventSource = class {
  constructor() { globalThis.replay = this; }
  close() {}
}`;

/** The memory of the page, in each view that shows the stream, while it receives an hour's readings. */
export async function hourOfReadings(browser: Browser, base: string): Promise<string[]> {
  const first = await readOnce(base);
  const rows: string[][] = [];
  for (const { name } of views.filter(({ name }) => ['map', 'rollouts', 'overload'].includes(name))) {
    const page = await browser.newPage();
    await page.evaluateOnNewDocument(replay);
    await page.goto(`${base}/#${name}`);
    await page.waitForFunction('globalThis.replay?.onmessage');
    const megabytes: string[] = [];
    let sent = 0;
    for (const until of looked) {
      for (; sent < until; sent += 60) await receive(page, first, sent);
      megabytes.push(((await heapOf(page)) / 1e6).toFixed(1));
    }
    rows.push([name, ...megabytes]);
    await page.close();
  }
  return table(['view', 'after a minute, MB', 'after ten minutes, MB', 'after an hour, MB'], rows);
}

/** Reads one event of the real stream. Leaving the loop closes it. */
async function readOnce(base: string): Promise<SystemReading> {
  const { body } = await fetch(`${base}/api/v1/system/events`);
  let text = '';
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    text += new TextDecoder().decode(chunk);
    const [, data] = /^data: (.*)\n\n/m.exec(text) ?? [];
    if (data) return JSON.parse(data);
  }
  throw new Error('The stream ended before its first reading');
}

/** Sends a minute's readings to a page, each a second later than the one before and with more requests. */
async function receive(page: Page, first: SystemReading, from: number): Promise<void> {
  await page.evaluate(
    `(async () => {
      const first = ${JSON.stringify(first)};
      for (let id = ${from} + 1; id <= ${from} + 60; id += 1) {
        const reading = structuredClone(first);
        reading.at = new Date(Date.parse(first.at) + id * 1000).toISOString();
        for (const { replicas } of reading.services) for (const replica of replicas) {
          for (const each of [replica.requests, ...replica.priorities, ...replica.calls]) each.count += id * 50;
          replica.requests.p99Ms = 5 + (id % 7);
        }
        globalThis.replay.onmessage({ lastEventId: String(id), data: JSON.stringify(reading) });
        if (id % 10 === 0) await new Promise((resolve) => setTimeout(resolve));
      }
    })()`,
  );
}

async function heapOf(page: Page): Promise<number> {
  const protocol = await page.createCDPSession();
  await protocol.send('HeapProfiler.collectGarbage');
  const { usedSize } = await protocol.send('Runtime.getHeapUsage');
  await protocol.detach();
  return usedSize;
}
