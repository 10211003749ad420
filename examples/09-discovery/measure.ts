import { setTimeout as wait } from 'node:timers/promises';
import { startDeployment } from '../support/deployment.ts';
import { describe, loadFor, startLoad } from '../support/load.ts';
import { startReplica, untilAnswers } from '../support/replica.ts';
import { autoscale } from './autoscaler.ts';
import { startNames } from './names.ts';

const quotes = new URL('quotes.ts', import.meta.url);
const shop = new URL('shop.ts', import.meta.url);
const probe = { port: 'management', path: '/status' } as const;
const env = { DRAIN_DELAY_MS: '1000', LOG_LEVEL: 'error' };

async function startShop(QUOTES_URL: string) {
  const replica = await startReplica(shop, { ...env, QUOTES_URL });
  await untilAnswers(replica.management, '/status');
  return replica;
}

/** Replaces the replica whose address the shop has in its settings. */
async function measureFixedAddress(): Promise<void> {
  const names = await startNames();
  const deployment = await startDeployment({ main: quotes, service: names, replicas: 1, probe, env });
  const caller = await startShop(`http://127.0.0.1:${deployment.replicas[0]?.port}`);
  const load = startLoad(caller.port, 20);
  await deployment.grow();
  await deployment.shrink();
  await wait(1_000);
  console.log(`a fixed address, replica replaced: ${describe(await load.stop())}`);
  for (const replica of [caller, ...deployment.replicas]) replica.stop('SIGKILL');
  await names.close();
}

/** Changes the load while the shop asks DNS, and the number of replicas follows the load. */
async function measureDiscovery(): Promise<void> {
  const names = await startNames();
  const deployment = await startDeployment({ main: quotes, service: names, replicas: 1, probe, env });
  const caller = await startShop(names.url);
  const stop = new AbortController();
  const scaling = autoscale(deployment, stop.signal);
  for (const rate of [6, 30, 6]) {
    const outcomes = await loadFor(7_000, caller.port, rate);
    console.log(`${rate} requests/s: ${count(deployment.replicas.length)}; ${describe(outcomes)}`);
  }
  stop.abort();
  await scaling;
  for (const replica of [caller, ...deployment.replicas]) replica.stop('SIGKILL');
  await names.close();
}

const count = (replicas: number) => `${replicas} replica${replicas === 1 ? '' : 's'}`;

await measureFixedAddress();
await measureDiscovery();
