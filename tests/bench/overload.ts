import { writeFileSync } from 'node:fs';
import { type Child, startChild } from './child.ts';
import type { LoadOrder, LoadResult } from './load.ts';
import { costOfAdmission } from './overload/cost.ts';
import { goodputCurves } from './overload/curves.ts';
import type { OpenOrder, OpenResult } from './overload/load.ts';
import { table, writeReport } from './report.ts';
import { median } from './statistics.ts';

/** The guards that are compared, and their names on the page. */
const guards = { none: 'none', process: '@fastify/under-pressure alone', all: "the platform's" };
type Guard = keyof typeof guards;
const names = Object.keys(guards) as Guard[];

const routes = { '/cpu': 'computes for 2 ms', '/store': 'waits for a store, 8 × 20 ms' };
type Route = keyof typeof routes;

/** Load as a multiple of what the route can do. The last one tells whether the service has come back. */
const levels = [1, 2, 5, 10];
const back = 1;
const seconds = 4;
/** Runs of the platform's guards, whose median counts: other work on the machine takes from one run, not from all. */
const runs = 3;
/** Milliseconds in which an answer counts. */
const inTime = 500;

type Server = { child: Child; port: number };
type Loads = { open: Child; closed: Child };
/** The shares of one run at each level; in a curve, the medians and the lowest and highest of all runs. */
type Shares = number[];
type Curve = { route: string; guard: string; shares: Shares; range: [number, number][] };

/** Answers in time as a share of the route's capacity, at load beyond it: an open model, guards on and off. */
export async function overload(): Promise<void> {
  const costs = await costOfAdmission();
  const servers = Object.fromEntries(await Promise.all(names.map(startServer))) as Record<Guard, Server>;
  const loads = {
    open: startChild(new URL('./overload/load.ts', import.meta.url)),
    closed: startChild(new URL('./load.ts', import.meta.url)),
  };
  try {
    const curves: Curve[] = [];
    for (const route of Object.keys(routes) as Route[]) {
      for (const guard of names) {
        const measured: Shares[] = [];
        for (let run = 0; run < (guard === 'all' ? runs : 1); run += 1) {
          measured.push(await measureLevels(route, servers[guard], loads));
          process.stdout.write(`  ${route} ${guard}: ${measured.at(-1)?.map(fixed).join(' ')}\n`);
        }
        curves.push({ route: routes[route], guard: guards[guard], ...summaryOf(measured) });
      }
    }
    writeReport('overload', [...curveTable(curves), '', ...costs]);
    writeFileSync(new URL('../../docs/overload-goodput.svg', import.meta.url), goodputCurves(levels, curves));
  } finally {
    for (const child of [...Object.values(loads), ...names.map((name) => servers[name].child)]) child.stop();
  }
}

function summaryOf(measured: Shares[]): Pick<Curve, 'shares' | 'range'> {
  const columns = (measured[0] ?? []).map((_, column) => measured.map((run) => run[column] ?? 0));
  return {
    shares: columns.map(median),
    range: columns.map((each) => [Math.min(...each), Math.max(...each)]),
  };
}

/** The median of the runs at each level, with the lowest and the highest. */
function curveTable(curves: Curve[]): string[] {
  const heads = ['', ...levels.map((level) => `${level}×`), 'back at 1×'];
  const rows = curves.map(({ route, guard, shares, range }) => {
    const cells = shares.map((share, column) => {
      const [low = share, high = share] = range[column] ?? [];
      return low === high ? fixed(share) : `${fixed(share)} (${fixed(low)} – ${fixed(high)})`;
    });
    return [`${route}; guards: ${guard}`, ...cells];
  });
  return table(heads, rows);
}

const fixed = (share: number) => share.toFixed(2);

async function startServer(guard: Guard): Promise<[Guard, Server]> {
  const child = startChild(new URL('./overload/server.ts', import.meta.url), [guard]);
  const { port } = await child.ask<{ port: number }>({});
  return [guard, { child, port }];
}

/**
 * The capacity is measured before and after each level, as the machine's other guests let it change. Only the way
 * back follows its level at once: that is what it is about.
 */
async function measureLevels(path: Route, { port }: Server, { open, closed }: Loads): Promise<number[]> {
  const shares: number[] = [];
  const goodAt = async (rate: number) => {
    const order: OpenOrder = { port, path, rate, seconds };
    const { latencies } = await open.ask<OpenResult>(order);
    return latencies.filter((ms) => ms <= inTime).length / seconds;
  };
  const capacity = async () => {
    await untilIdle(port);
    return capacityOf(path, port, closed);
  };
  await capacity();
  for (const level of levels) {
    const before = await capacity();
    const good = [await goodAt(before * level)];
    if (level === levels.at(-1)) good.push(await goodAt(before * back));
    const usual = (before + (await capacity())) / 2;
    shares.push(...good.map((rate) => rate / usual));
  }
  return shares;
}

/** Answers a second that eight callers get who each wait for their answer: what the route can do. */
async function capacityOf(path: Route, port: number, closed: Child): Promise<number> {
  const requests = 800;
  const order: LoadOrder = { port, path, requests, connections: 8 };
  const { seconds: taken } = await closed.ask<LoadResult>(order);
  return requests / taken;
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
