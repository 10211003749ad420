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
  limits: '+ ids, limits and handler timeout (`http-server.ts`)',
  overload: '+ @fastify/under-pressure (`overload.ts`)',
  metric: '+ request context and metric (`observe.ts`)',
  spans10: '+ context, metric, spans at 10 %',
  spans100: '+ context, metric, spans at 100 %',
  line: '+ context, metric, log line',
  platformWithoutLine: 'whole platform, spans at 10 %, no log line',
  platform: 'whole platform, spans at 10 %, its log line',
};
type Variant = keyof typeof variants;

const rounds = 15;
const requests = 3_000;
const warmUp = 12_000;
const connections = 16;
/** Milliseconds after a round in which spans and lines that were held back are sent: they are part of the cost. */
const settle = 300;

type Server = { child: Child; port: number };
type ServerState = { port: number; cpu: number };

/** CPU per request of a small JSON GET: through the platform, and through each part of it, against bare Fastify. */
export async function requestCost(): Promise<void> {
  const collector = await startCollector();
  const load = startChild('./load.ts');
  const names = Object.keys(variants) as Variant[];
  const servers = new Map<Variant, Server>();
  for (const name of names) servers.set(name, await startServer(name, collector.endpoint));
  try {
    for (const server of servers.values()) await loadWith(load, server, warmUp);
    const measured = await measure(load, servers);
    writeReport('request-cost', describe(measured));
  } finally {
    for (const { child } of servers.values()) child.stop();
    load.stop();
    collector.close();
  }
}

/** Microseconds of CPU per request, by variant: one value a round. Rounds are interleaved, each begins elsewhere. */
async function measure(load: Child, servers: Map<Variant, Server>): Promise<Map<Variant, number[]>> {
  const names = [...servers.keys()];
  const measured = new Map<Variant, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length] as Variant;
      measured.get(name)?.push(await costOf(load, servers.get(name) as Server));
    }
    process.stdout.write(`round ${round + 1} of ${rounds}\n`);
  }
  return measured;
}

async function costOf(load: Child, server: Server): Promise<number> {
  const before = await server.child.ask<ServerState>({});
  await loadWith(load, server, requests);
  await wait(settle);
  const after = await server.child.ask<ServerState>({});
  return (after.cpu - before.cpu) / requests;
}

async function loadWith(load: Child, { port }: Server, count: number): Promise<void> {
  const order: LoadOrder = {
    origin: `http://127.0.0.1:${port}`,
    path: '/things/7',
    requests: count,
    connections,
  };
  const { failures } = await load.ask<LoadResult>(order);
  if (failures > 0) throw new Error(`${failures} requests failed`);
}

async function startServer(name: Variant, zipkin: string): Promise<Server> {
  const child = startChild('./request-cost-server.ts', [name], {
    OTEL_EXPORTER_ZIPKIN_ENDPOINT: zipkin,
    OTEL_BSP_SCHEDULE_DELAY: '100',
  });
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

function describe(measured: Map<Variant, number[]>): string[] {
  const bare = measured.get('bare') ?? [];
  const rows = [...measured].map(([name, costs]) => {
    const ratios = costs.map((cost, round) => cost / (bare[round] ?? Number.NaN));
    const [low, high] = middleHalf(ratios);
    const spread = `${low.toFixed(2)} – ${high.toFixed(2)}`;
    return [variants[name], median(costs).toFixed(0), median(ratios).toFixed(2), spread];
  });
  return table(['', 'CPU, µs a request', 'against bare', 'middle half of the rounds'], rows);
}
