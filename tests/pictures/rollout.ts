/** Restarts the replicas of billing, one after the other, under load through the gateway. */
import { setTimeout as wait } from 'node:timers/promises';
import { gatherCrowd } from '../rollout/crowd.ts';
import type { Sample } from '../rollout/open-load.ts';
import { startTraffic } from '../rollout/traffic.ts';
import { type System, startSystem } from '../support/system.ts';
import { type Call, callsOf, difference } from './calls.ts';

/** When a replica did what; seconds after the load began. What was not seen is missing. */
export type Restart = {
  replica: number;
  sigterm: number;
  /** The service told that it is unready. Not without a drain. */
  unready?: number;
  /** It finished its last request. Without a drain, requests are cut off. */
  lastRequest?: number;
  exit: number;
  ready: number;
};

export type Rollout = {
  seconds: number;
  restarts: Restart[];
  /** Requests that are answered within milliseconds, and those that take 5 s or more. */
  short: Sample[];
  long: Sample[];
  /** The time in which a sample's times begin. */
  begin: number;
  calls: Call[];
};

/** Short requests a second, and uploads, which take 6 s each. */
const rate = 100;
const uploads = 1;
/** Seconds of load before the first restart, in which the calls are counted. */
export const loadBefore = 6;
/**
 * Seconds after which each replica is restarted, and the load ends. A replica returns on its own address here, which the
 * gateway skips for 15 s after the drain; in a cluster, a new pod has a new address, and rollouts need no such pause.
 */
const schedule = { restarts: [loadBefore, 27], end: 35 };

const env = {
  RATE_LIMIT: '1000000',
  RATE_LIMIT_SIGN_IN: '1000000',
  DRAIN_DELAY_MS: '1000',
  LOG_LEVEL: 'info',
};

/** @param naive whether billing stops as Node does by itself, at once */
export async function rollOut(naive: boolean): Promise<Rollout> {
  const system = await startSystem({ env, main: new URL('service.ts', import.meta.url) });
  try {
    return await restartUnderLoad(system, naive ? { NAIVE: '1' } : {});
  } finally {
    await system.stop();
  }
}

async function restartUnderLoad(system: System, leaving: Record<string, string>): Promise<Rollout> {
  const { gateway, users, billing, reporting } = system.services;
  const replicas = [billing, await system.replicate('billing')];
  for (const replica of replicas) await replica.restart(leaving);
  await gateway.restart({ BILLING_URL: replicas.map(({ address }) => address).join() });
  const sources = { gateway: [gateway], users: [users], billing: replicas, reporting: [reporting] };

  const crowd = await gatherCrowd(system.base, system.admin, 10);
  const before = await callsOf(sources, system.managementToken);
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1_000;
  const until = (at: number) => wait(Math.max(0, (at - seconds()) * 1_000));
  const traffic = startTraffic(system.base, crowd, rate, uploads);
  await until(loadBefore);
  const calls = difference(await callsOf(sources, system.managementToken), before);
  const restarts: Restart[] = [];
  for (const [index, replica] of replicas.entries()) {
    await until(schedule.restarts[index] ?? 0);
    const printed = replica.output.length;
    const sigterm = seconds();
    await replica.kill('SIGTERM');
    const exit = seconds();
    const seen = seenIn(replica.output.slice(printed), begin);
    await replica.start(leaving);
    restarts.push({ replica: index + 1, sigterm, ...seen, exit, ready: seconds() });
  }
  await until(Math.max(schedule.end, seconds() + 3));
  const end = seconds();
  return { seconds: end, restarts, begin, calls, ...(await traffic.stop()) };
}

/** Reads from the log of a process when it became unready and when it finished its last request. */
function seenIn(output: string, begin: number): Pick<Restart, 'unready' | 'lastRequest'> {
  const lines = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { time: number | string; msg: string });
  const at = (line?: { time: number | string }) =>
    line && (new Date(line.time).getTime() - performance.timeOrigin - begin) / 1_000;
  const unready = at(lines.find(({ msg }) => msg === 'draining'));
  if (unready === undefined) return {};
  return { unready, lastRequest: at(lines.findLast(({ msg }) => msg === 'request')) };
}
