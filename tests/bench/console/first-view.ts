import type { Browser } from 'puppeteer-core';
import { table } from '../report.ts';
import { median } from '../statistics.ts';

const runs = 5;

/** Links by their round trip, milliseconds, and their bytes a second. The slow one is what browsers call "slow 3G". */
const links = [
  { name: 'none', latency: 0, rate: -1 },
  { name: '400 ms, 400 kbit/s', latency: 400, rate: 50_000 },
];

type View = { requests: number; bytes: number; painted: number; drawn: number };

/** Measures the requests and bytes of the first view, and the milliseconds until something and until the map is seen. */
export async function firstView(browser: Browser, base: string): Promise<string[]> {
  const rows: string[][] = [];
  for (const link of links) {
    const views: View[] = [];
    for (let run = 0; run < runs; run += 1) views.push(await view(browser, base, link));
    const middle = (of: (each: View) => number) => median(views.map(of));
    rows.push([
      link.name,
      String(middle(({ requests }) => requests)),
      (middle(({ bytes }) => bytes) / 1_000).toFixed(1),
      middle(({ painted }) => painted).toFixed(0),
      middle(({ drawn }) => drawn).toFixed(0),
    ]);
  }
  return table(['throttled to', 'requests', 'kB', 'first drawing, ms', 'map drawn, ms'], rows);
}

async function view(
  browser: Browser,
  base: string,
  { latency, rate }: (typeof links)[number],
): Promise<View> {
  const session = await browser.createBrowserContext();
  const page = await session.newPage();
  const protocol = await page.createCDPSession();
  await protocol.send('Network.enable');
  const throttle = { offline: false, latency, downloadThroughput: rate, uploadThroughput: rate };
  await protocol.send('Network.emulateNetworkConditions', throttle);
  let [requests, bytes] = [0, 0];
  protocol.on('Network.requestWillBeSent', () => {
    requests += 1;
  });
  protocol.on('Network.dataReceived', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await page.goto(`${base}/#map`, { waitUntil: 'domcontentloaded' });
  await page.waitForSelector('main ::-p-text(All services are ready.)');
  const drawn = (await page.evaluate('performance.now()')) as number;
  const painted = (await page.evaluate(
    `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN`,
  )) as number;
  await session.close();
  return { requests, bytes, painted, drawn };
}
