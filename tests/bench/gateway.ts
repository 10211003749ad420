import { getMe } from '@slipway/contracts/users';
import { newPerson } from '../support/people.ts';
import { startSystem } from '../support/system.ts';
import { type Child, startChild } from './child.ts';
import { hop } from './hop.ts';
import type { LoadOrder, LoadResult } from './load.ts';
import { usageOf } from './process-usage.ts';
import { table, writeReport } from './report.ts';
import { median, withMiddleHalf } from './statistics.ts';
import { uploads } from './uploads.ts';

/** Rounds before those that count: the compiler's warm-up. */
const warmUp = 4;
const counted = 15;
const requests = 3_000;
const connections = 16;

type Round = { rate: number; gatewayCpu: number; usersCpu: number };

/** Measures a forwarded request beside other proxies, and throughput and uploads beside the services directly. */
export async function gateway(): Promise<void> {
  writeReport('gateway-hop', await hop(), 'gateway');
  writeReport('gateway', await throughput());
  writeReport('gateway-uploads', await uploads(), 'gateway');
}

/** Requests a second of one person's `GET /users/me`: through the gateway, against users directly. */
async function throughput(): Promise<string[]> {
  const system = await startSystem({ env: { RATE_LIMIT: '1000000000' } });
  const { gateway, users } = system.services;
  const load = startChild(new URL('./load.ts', import.meta.url));
  try {
    const { token } = await newPerson(system.base);
    const measure = async (address: string): Promise<Round> => {
      const before = [usageOf(gateway.pid).cpuMs, usageOf(users.pid).cpuMs] as const;
      const rate = await requestsPerSecond(load, address, token);
      const cpu = (after: number, earlier: number) => ((after - earlier) * 1_000) / requests;
      return {
        rate,
        gatewayCpu: cpu(usageOf(gateway.pid).cpuMs, before[0]),
        usersCpu: cpu(usageOf(users.pid).cpuMs, before[1]),
      };
    };
    const rounds: { direct: Round; through: Round }[] = [];
    for (let round = -warmUp; round < counted; round += 1) {
      const both = { direct: await measure(users.address), through: await measure(gateway.address) };
      if (round >= 0) rounds.push(both);
    }
    return describe(rounds);
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

function describe(rounds: { direct: Round; through: Round }[]): string[] {
  const direct = rounds.map((round) => round.direct);
  const through = rounds.map((round) => round.through);
  const ratios = rounds.map((round) => round.through.rate / round.direct.rate);
  const middle = (values: Round[], of: (round: Round) => number) => median(values.map(of)).toFixed(0);
  const cells = (values: Round[]) => [
    middle(values, ({ rate }) => rate),
    middle(values, ({ gatewayCpu }) => gatewayCpu),
    middle(values, ({ usersCpu }) => usersCpu),
  ];
  return table(
    ['', 'requests a second', 'CPU of the gateway, µs a request', 'CPU of users', 'rate against direct'],
    [
      ['users directly', ...cells(direct), '1.00'],
      ['through the gateway', ...cells(through), withMiddleHalf(ratios)],
    ],
  );
}
