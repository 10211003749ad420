import { getMe } from '@slipway/contracts/users';
import { newPerson } from '../support/people.ts';
import { startSystem } from '../support/system.ts';
import { type Child, startChild } from './child.ts';
import type { LoadOrder, LoadResult } from './load.ts';
import { table, writeReport } from './report.ts';
import { median, middleHalf } from './statistics.ts';

const rounds = 15;
const requests = 3_000;
const connections = 16;

/** Requests a second of one person's `GET /users/me`: through the gateway, against users directly. */
export async function gateway(): Promise<void> {
  const system = await startSystem({ env: { RATE_LIMIT: '1000000000', OTEL_TRACES_EXPORTER: 'none' } });
  const load = startChild(new URL('./load.ts', import.meta.url));
  try {
    const { token } = await newPerson(system.base);
    const rate = (address: string) => requestsPerSecond(load, address, token);
    const addresses = { direct: system.services.users.address, through: system.base };
    // The compiler's warm-up.
    for (const address of [addresses.direct, addresses.through])
      for (let i = 0; i < 4; i += 1) await rate(address);
    const measured: { direct: number; through: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      measured.push({ direct: await rate(addresses.direct), through: await rate(addresses.through) });
      process.stdout.write(`  ${round + 1} of ${rounds}\n`);
    }
    writeReport('gateway', describe(measured));
  } finally {
    load.stop();
    await system.stop();
  }
}

async function requestsPerSecond(load: Child, address: string, token: string): Promise<number> {
  const order: LoadOrder = {
    port: Number(new URL(address).port),
    path: getMe.url,
    requests,
    connections,
    headers: { authorization: `Bearer ${token}` },
  };
  const { seconds, failures } = await load.ask<LoadResult>(order);
  if (failures > 0) throw new Error(`${failures} requests failed`);
  return requests / seconds;
}

function describe(measured: { direct: number; through: number }[]): string[] {
  const ratios = measured.map(({ direct, through }) => through / direct);
  const [low, high] = middleHalf(ratios);
  return table(
    ['', 'requests a second', 'against users directly', 'middle half of the rounds'],
    [
      ['users directly', median(measured.map(({ direct }) => direct)).toFixed(0), '1.00', ''],
      [
        'through the gateway',
        median(measured.map(({ through }) => through)).toFixed(0),
        median(ratios).toFixed(2),
        `${low.toFixed(2)} – ${high.toFixed(2)}`,
      ],
    ],
  );
}
