import { writeFileSync } from 'node:fs';
import { type Child, startChild } from './child.ts';
import type { LoadOrder, LoadResult } from './load.ts';
import { goodputCurves } from './overload/curves.ts';
import type { OpenOrder, OpenResult } from './overload/load.ts';
import { table, writeReport } from './report.ts';
import { median, middleHalf } from './statistics.ts';

/** What is measured by OVERLOAD_GUARDS, and what it is called on the page. */
const guards = { none: 'none', process: '@fastify/under-pressure alone', all: "the platform's" };
type Guard = keyof typeof guards;
const names = Object.keys(guards) as Guard[];

const routes = { '/cpu': 'computes for 2 ms', '/store': 'waits for a store, 8 × 20 ms' };
type Route = keyof typeof routes;

/** Load as a multiple of what the route can do. The last one tells whether the service has come back. */
const levels = [1, 2, 5, 10];
const back = 1;
const seconds = 8;
/** Milliseconds in which an answer counts. */
const inTime = 500;

type Server = { child: Child; port: number };
type Curve = { route: string; guard: string; shares: number[] };

/** Answers in time as a share of the route's capacity, at load beyond it: an open model, guards on and off. */
export async function overload(): Promise<void> {
  const servers = Object.fromEntries(await Promise.all(names.map(startServer))) as Record<Guard, Server>;
  const open = startChild(new URL('./overload/load.ts', import.meta.url));
  const closed = startChild(new URL('./load.ts', import.meta.url));
  try {
    const costs = await compareCosts(servers, closed);
    const curves: Curve[] = [];
    for (const route of Object.keys(routes) as Route[]) {
      const capacity = await capacityOf(route, servers, closed);
      for (const guard of names) {
        const shares = await measureLevels(route, servers[guard], capacity, open);
        curves.push({ route: routes[route], guard: guards[guard], shares });
        process.stdout.write(
          `  ${route} ${guard} of ${capacity.toFixed(0)}/s: ${shares.map(fixed).join(' ')}\n`,
        );
      }
    }
    const heads = [...levels.map((level) => `${level}×`), 'back at 1×'];
    const rows = curves.map(({ route, guard, shares }) => [
      `${route}; guards: ${guard}`,
      ...shares.map(fixed),
    ]);
    writeReport('overload', [...table(['', ...heads], rows), '', ...costs]);
    writeFileSync(new URL('../../docs/overload-goodput.svg', import.meta.url), goodputCurves(levels, curves));
  } finally {
    for (const child of [open, closed, ...names.map((name) => servers[name].child)]) child.stop();
  }
}

const fixed = (share: number) => share.toFixed(2);

async function startServer(guard: Guard): Promise<[Guard, Server]> {
  const child = startChild(new URL('./overload/server.ts', import.meta.url), [guard]);
  const { port } = await child.ask<{ port: number }>({});
  return [guard, { child, port }];
}

/**
 * Answers a second that eight callers get who each wait for their answer: what the route can do. The best of some rounds,
 * as other work on the machine can only make it less.
 */
async function capacityOf(path: Route, servers: Record<Guard, Server>, closed: Child): Promise<number> {
  const rates: number[] = [];
  for (const requests of [200, 1_500, 1_500]) {
    for (const guard of names) {
      const order: LoadOrder = { port: servers[guard].port, path, requests, connections: 8 };
      const result = await closed.ask<LoadResult>(order);
      // The first round warms up.
      if (requests > 200) rates.push(requests / result.seconds);
    }
  }
  return Math.max(...rates);
}

async function measureLevels(
  path: Route,
  { port }: Server,
  capacity: number,
  open: Child,
): Promise<number[]> {
  const shares: number[] = [];
  for (const level of [...levels, back]) {
    if (shares.length < levels.length) await untilIdle(port);
    const order: OpenOrder = { port, path, rate: capacity * level, seconds, inTime };
    const { good } = await open.ask<OpenResult>(order);
    shares.push(good / seconds / capacity);
  }
  return shares;
}

/** Waits until the server has worked off what is left of the last level, whose callers have gone. */
async function untilIdle(port: number): Promise<void> {
  const end = performance.now() + 60_000;
  while (performance.now() < end) {
    const askedAt = performance.now();
    const answer = await fetch(`http://127.0.0.1:${port}/small`).catch(() => undefined);
    if (answer?.ok && performance.now() - askedAt < 50) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const rounds = 15;
const warmUp = 3;
const requests = 4_000;

/** CPU of a small request without overload, with admission against without it, in rounds that take turns. */
async function compareCosts(
  { process: without, all }: Record<Guard, Server>,
  load: Child,
): Promise<string[]> {
  const pairs: { without: number; with: number }[] = [];
  for (let round = -warmUp; round < rounds; round += 1) {
    const pair = { without: await cpuPerRequest(without, load), with: await cpuPerRequest(all, load) };
    if (round >= 0) pairs.push(pair);
  }
  const ratios = pairs.map((pair) => pair.with / pair.without);
  const [low, high] = middleHalf(ratios);
  const micros = (of: (pair: (typeof pairs)[number]) => number) => median(pairs.map(of)).toFixed(1);
  const ratio = `${fixed(median(ratios))} (${fixed(low)} – ${fixed(high)})`;
  return table(
    ['a small request, no overload', 'CPU without admission, µs', 'with admission', 'ratio'],
    [['4 callers', micros((pair) => pair.without), micros((pair) => pair.with), ratio]],
  );
}

async function cpuPerRequest({ child, port }: Server, load: Child): Promise<number> {
  const { cpu: before } = await child.ask<{ cpu: number }>({});
  const order: LoadOrder = { port, path: '/small', requests, connections: 4 };
  await load.ask<LoadResult>(order);
  const { cpu } = await child.ask<{ cpu: number }>({});
  return (cpu - before) / requests;
}
