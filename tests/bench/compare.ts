import { type Child, startChild } from './child.ts';
import type { LoadOrder, LoadResult } from './load.ts';
import { table } from './report.ts';
import { median, middleHalf } from './statistics.ts';

/** Rounds in the life of a process; the cheapest counts, as other work on the machine only adds. */
const rounds = 16;
const requests = 800;
const warmUp = 10_000;
const connections = 16;
/** Milliseconds after a round in which spans and lines that were held back are sent: they are part of the cost. */
const settle = 150;

type Server = { child: Child; port: number };
type ServerState = { port: number; cpu: number };
/** Microseconds of CPU a request. */
export type Costs<Variant extends string> = Record<Variant, number>;

type Comparison<Variant extends string> = {
  /** A program that serves the request as the variant of its first argument, and tells its port and its CPU. */
  server: URL;
  /** The GET that is measured; `/things/7` without headers by default. */
  request?: Request;
  variants: readonly Variant[];
  /** Settings of a variant. */
  env: (variant: Variant) => Record<string, string>;
  /** Processes of each variant, one after the other: what the compiler makes of the same code differs by process. */
  generations?: number;
};

/** Measures the CPU per request of variants of a server that live at the same time: one set of costs a generation. */
export async function compareCosts<Variant extends string>(
  comparison: Comparison<Variant>,
): Promise<Costs<Variant>[]> {
  const { generations = 9 } = comparison;
  const load = startChild(new URL('./load.ts', import.meta.url));
  const measured: Costs<Variant>[] = [];
  try {
    for (let generation = 0; generation < generations; generation += 1) {
      measured.push(await measureGeneration(load, comparison, generation));
      process.stdout.write(`  ${generation + 1} of ${generations}\n`);
    }
    return measured;
  } finally {
    load.stop();
  }
}

/** Starts a process of every variant, and gives them their rounds in turn, each round beginning with another. */
async function measureGeneration<Variant extends string>(
  load: Child,
  { server, variants, env, request = { path: '/things/7' } }: Comparison<Variant>,
  generation: number,
): Promise<Costs<Variant>> {
  const servers = new Map<Variant, Server>();
  const costs = Object.fromEntries(
    variants.map((name) => [name, Number.POSITIVE_INFINITY]),
  ) as Costs<Variant>;
  try {
    for (const name of variants) servers.set(name, await startServer(server, name, env(name)));
    for (const each of servers.values()) await loadWith(load, each, request, warmUp);
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, each] of startingWith(round + generation, [...servers])) {
        costs[name] = Math.min(costs[name], await costOf(load, each, request));
      }
    }
    return costs;
  } finally {
    for (const { child } of servers.values()) child.stop();
  }
}

function startingWith<T>(index: number, items: T[]): T[] {
  const start = index % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

type Request = Pick<LoadOrder, 'path' | 'headers'>;

async function costOf(load: Child, server: Server, request: Request): Promise<number> {
  const before = await server.child.ask<ServerState>({});
  await loadWith(load, server, request, requests);
  await new Promise((resolve) => setTimeout(resolve, settle));
  const after = await server.child.ask<ServerState>({});
  return (after.cpu - before.cpu) / requests;
}

async function loadWith(load: Child, { port }: Server, request: Request, count: number): Promise<void> {
  const order: LoadOrder = { port, ...request, requests: count, connections };
  const { failures } = await load.ask<LoadResult>(order);
  if (failures > 0) throw new Error(`${failures} requests failed`);
}

async function startServer(file: URL, name: string, env: Record<string, string>): Promise<Server> {
  const child = startChild(file, [name], env);
  const { port } = await child.ask<ServerState>({});
  return { child, port };
}

/** A table of the costs, against the first variant's in the same generation. */
export function costTable<Variant extends string>(
  variants: Record<Variant, string>,
  measured: Costs<Variant>[],
): string[] {
  const names = Object.keys(variants) as Variant[];
  const [base = names[0]] = names;
  const rows = names.map((name) => {
    const ratios = measured.map((costs) => costs[name] / costs[base as Variant]);
    const [low, high] = middleHalf(ratios);
    const cost = median(measured.map((costs) => costs[name]));
    const range = `${low.toFixed(2)} – ${high.toFixed(2)}`;
    return [variants[name], cost.toFixed(1), median(ratios).toFixed(2), range];
  });
  return table(['', 'CPU, µs a request', 'against bare', 'middle half of the processes'], rows);
}
