import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { type Child, startChild } from './child.ts';
import type { LoadOrder, LoadResult } from './load.ts';
import { table, writeReport } from './report.ts';
import { median, middleHalf } from './statistics.ts';

/** What is measured, and what it is called on the page. */
const variants = {
  bare: 'bare Fastify',
  server: '+ its server: ids, limits, logger (`http-server.ts`)',
  overload: '+ @fastify/under-pressure (`overload.ts`)',
  metric: '+ request context, time limit and metric (`observe.ts`)',
  spans10: '+ context, metric, spans at 10 %',
  spans100: '+ context, metric, spans at 100 %',
  line: '+ context, metric, log line',
  platformWithoutLine: 'whole platform, spans at 10 %, no log line',
  platform: 'whole platform, spans at 10 %, its log line',
};
type Variant = keyof typeof variants;
const names = Object.keys(variants) as Variant[];

/** Processes of each variant, one after the other: what the compiler makes of the same code differs by process. */
const generations = 9;
/** Rounds in the life of a process; the cheapest counts, as other work on the machine only adds. */
const rounds = 4;
const requests = 2_500;
const warmUp = 10_000;
const connections = 16;
/** Milliseconds after a round in which spans and lines that were held back are sent: they are part of the cost. */
const settle = 200;

type Server = { child: Child; port: number };
type ServerState = { port: number; cpu: number };
/** Microseconds of CPU a request. */
type Costs = Record<Variant, number>;

/** CPU per request of a small JSON GET: through the platform, and through each part of it, against bare Fastify. */
export async function requestCost(): Promise<void> {
  const collector = await startCollector();
  const load = startChild(new URL('./load.ts', import.meta.url));
  const measured: Costs[] = [];
  try {
    for (let generation = 0; generation < generations; generation += 1) {
      measured.push(await measureGeneration(load, collector.endpoint, generation));
      process.stdout.write(`  ${generation + 1} of ${generations}\n`);
    }
  } finally {
    load.stop();
    collector.close();
  }
  writeReport('request-cost', describe(measured));
}

/** Starts a process of every variant, and gives them their rounds in turn, each round beginning with another. */
async function measureGeneration(load: Child, zipkin: string, generation: number): Promise<Costs> {
  const servers = {} as Record<Variant, Server>;
  const costs = Object.fromEntries(names.map((name) => [name, Number.POSITIVE_INFINITY])) as Costs;
  try {
    for (const name of names) servers[name] = await startServer(name, zipkin);
    for (const name of names) await loadWith(load, servers[name], warmUp);
    for (let turn = 0; turn < rounds * names.length; turn += 1) {
      const name = names[(turn + Math.floor(turn / names.length) + generation) % names.length] as Variant;
      costs[name] = Math.min(costs[name], await costOf(load, servers[name]));
    }
    return costs;
  } finally {
    for (const { child } of Object.values(servers)) child.stop();
  }
}

async function costOf(load: Child, server: Server): Promise<number> {
  const before = await server.child.ask<ServerState>({});
  await loadWith(load, server, requests);
  await wait(settle);
  const after = await server.child.ask<ServerState>({});
  return (after.cpu - before.cpu) / requests;
}

async function loadWith(load: Child, { port }: Server, count: number): Promise<void> {
  const order: LoadOrder = { port, path: '/things/7', requests: count, connections };
  const { failures } = await load.ask<LoadResult>(order);
  if (failures > 0) throw new Error(`${failures} requests failed`);
}

async function startServer(name: Variant, zipkin: string): Promise<Server> {
  const env = { OTEL_EXPORTER_ZIPKIN_ENDPOINT: zipkin, OTEL_BSP_SCHEDULE_DELAY: '100' };
  const child = startChild(new URL('./request-cost-server.ts', import.meta.url), [name], env);
  const { port } = await child.ask<ServerState>({});
  return { child, port };
}

/** Takes spans as Zipkin does. */
async function startCollector() {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(202).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}/api/v2/spans`, close: () => server.close() };
}

function describe(measured: Costs[]): string[] {
  const rows = names.map((name) => {
    const ratios = measured.map((costs) => costs[name] / costs.bare);
    const [low, high] = middleHalf(ratios);
    const cost = median(measured.map((costs) => costs[name]));
    return [
      variants[name],
      cost.toFixed(1),
      median(ratios).toFixed(2),
      `${low.toFixed(2)} – ${high.toFixed(2)}`,
    ];
  });
  return table(['', 'CPU, µs a request', 'against bare', 'middle half of the processes'], rows);
}
