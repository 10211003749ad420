import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { System } from '../../support/system.ts';
import { usageOf } from '../process-usage.ts';
import { table } from '../report.ts';
import { median } from '../statistics.ts';

const rounds = 3;
/** How long the CPU is counted; the gateway stops reading ten seconds after its last viewer has left. Milliseconds. */
const counted = 20_000;
const settled = 12_000;

/** The CPU of the gateway without a viewer, with one and with many, as a share of a core. Nothing else is sent. */
export async function viewers(system: System): Promise<string[]> {
  const found = new Map([0, 1, 50].map((count) => [count, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [count, shares] of found) shares.push(await shareWith(count, system));
  }
  const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
  const rows = [...found].map(([count, shares]) => [
    String(count),
    percent(median(shares)),
    `${percent(Math.min(...shares))} to ${percent(Math.max(...shares))}`,
  ]);
  return table(['viewers', 'CPU of the gateway, share of a core', 'lowest and highest'], rows);
}

async function shareWith(count: number, { base, services }: System): Promise<number> {
  const leave = await Promise.all(Array.from({ length: count }, (_, index) => watch(base, index)));
  await wait(settled);
  const { pid } = services.gateway;
  const before = usageOf(pid).cpuMs;
  await wait(counted);
  const share = (usageOf(pid).cpuMs - before) / counted;
  for (const each of leave) each();
  return share;
}

/** Opens the stream as a client of its own. Returns the function that closes it. */
async function watch(base: string, index: number): Promise<() => void> {
  const headers = { 'x-forwarded-for': `192.0.2.${index + 1}` };
  const request = get(`${base}/api/v1/system/events`, { agent: false, headers });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`A viewer was answered ${response.statusCode}`);
  response.on('error', () => undefined).resume();
  return () => request.destroy();
}
