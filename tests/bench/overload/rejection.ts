import { type Child, startChild } from '../child.ts';
import type { LoadOrder, LoadResult } from '../load.ts';
import { table, writeReport } from '../report.ts';
import { median, withMiddleHalf } from '../statistics.ts';

/** The measured responses, with their names on the page and the status of each. */
const variants = {
  bare: { name: 'bare Fastify, a small GET with status 200', status: 200 },
  socket: { name: "a prebuilt response on Node's socket, the request unread", status: 503 },
  http: { name: "a prebuilt response of Node's HTTP server", status: 503 },
  deadline: { name: 'rejection by admission, `deadline`', status: 408 },
  permit: { name: 'rejection by the limit of a route, `in_flight`, with its log line', status: 503 },
};
type Variant = keyof typeof variants;
const names = Object.keys(variants) as Variant[];

const processes = 5;
/** Rounds in the life of a process; the cheapest counts, as other work on the machine only adds. */
const rounds = 12;
const requests = 4_000;
const warmUp = 20_000;

type State = { port: number; cpu: number; allocated: number };
/** Of one response: microseconds of CPU, and bytes that were allocated on the heap. */
type Cost = { cpu: number; bytes: number };
type Server = { child: Child; port: number; status: number };

/** Measures what a rejection costs, beside the least that a response can cost and a response of bare Fastify. */
export async function rejections(): Promise<void> {
  const load = startChild(new URL('../load.ts', import.meta.url));
  const measured: Record<Variant, Cost>[] = [];
  try {
    for (let count = 0; count < processes; count += 1) measured.push(await measureProcesses(load));
  } finally {
    load.stop();
  }
  const rows = names.map((name) => [
    variants[name].name,
    median(measured.map((costs) => costs[name].cpu)).toFixed(1),
    withMiddleHalf(measured.map((costs) => costs[name].cpu / costs.bare.cpu)),
    (median(measured.map((costs) => costs[name].bytes)) / 1_000).toFixed(1),
  ]);
  writeReport(
    'rejections',
    table(['one response', 'CPU, µs', 'against bare Fastify', 'allocated, kB'], rows),
  );
}

async function measureProcesses(load: Child): Promise<Record<Variant, Cost>> {
  const servers = new Map<Variant, Server>();
  try {
    for (const name of names) servers.set(name, await startServer(name));
    const costs = Object.fromEntries(names.map((name) => [name, [] as Cost[]])) as Record<Variant, Cost[]>;
    for (const server of servers.values()) await costOf(server, load, warmUp);
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, server] of servers) costs[name].push(await costOf(server, load, requests));
    }
    return Object.fromEntries(names.map((name) => [name, cheapest(costs[name])])) as Record<Variant, Cost>;
  } finally {
    for (const { child } of servers.values()) child.stop();
  }
}

async function startServer(name: Variant): Promise<Server> {
  const child = startChild(new URL('./rejection-server.ts', import.meta.url), [name]);
  const { port } = await child.ask<State>({});
  return { child, port, status: variants[name].status };
}

async function costOf({ child, port, status }: Server, load: Child, count: number): Promise<Cost> {
  // The time limit has passed when the request arrives. Only the platform reads it, and not where permits decide.
  const headers = status === 408 ? { 'x-request-timeout-ms': '0' } : undefined;
  const order: LoadOrder = { port, path: '/things/7', requests: count, connections: 16, headers, status };
  const before = await child.ask<State>({});
  const { failures } = await load.ask<LoadResult>(order);
  if (failures > 0) throw new Error(`${failures} responses did not have the status ${status}`);
  const after = await child.ask<State>({});
  return { cpu: (after.cpu - before.cpu) / count, bytes: (after.allocated - before.allocated) / count };
}

function cheapest(costs: Cost[]): Cost {
  return {
    cpu: Math.min(...costs.map(({ cpu }) => cpu)),
    bytes: median(costs.map(({ bytes }) => bytes)),
  };
}
