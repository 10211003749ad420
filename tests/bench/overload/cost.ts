import { type Child, startChild } from '../child.ts';
import type { LoadOrder, LoadResult } from '../load.ts';
import { table } from '../report.ts';
import { median, middleHalf } from '../statistics.ts';

/** Without and with admission. */
const guards = ['process', 'all'] as const;
type Guards = (typeof guards)[number];
type State = { ports: Record<Guards, number>; cpu: number };
/** Microseconds of CPU a request. */
type Costs = Record<Guards, number>;

const processes = 20;
/** Rounds in the life of a process; the cheaper half counts, as other work on the machine only adds. */
const rounds = 12;
const requests = 4_000;
const warmUp = 20_000;

/** CPU of a small request without overload, with admission against without it, both in the same process. */
export async function costOfAdmission(): Promise<string[]> {
  const load = startChild(new URL('../load.ts', import.meta.url));
  const measured: Costs[] = [];
  try {
    for (let count = 0; count < processes; count += 1) measured.push(await measureProcess(load, count));
  } finally {
    load.stop();
  }
  const ratios = measured.map((costs) => costs.all / costs.process);
  const micros = (which: Guards) => median(measured.map((costs) => costs[which])).toFixed(1);
  const [low, high] = middleHalf(ratios).map((ratio) => ratio.toFixed(2));
  const head = ['no overload', 'CPU without admission, µs', 'with admission', 'ratio', 'middle half'];
  const row = ['a small request', micros('process'), micros('all'), median(ratios).toFixed(3)];
  return table(head, [[...row, `${low} – ${high}`]]);
}

async function measureProcess(load: Child, count: number): Promise<Costs> {
  const order = count % 2 === 0 ? guards : guards.toReversed();
  const child = startChild(new URL('./pair.ts', import.meta.url), [...order]);
  try {
    for (const which of order) await costOf(which, child, load, warmUp);
    const costs: Record<Guards, number[]> = { process: [], all: [] };
    for (let round = 0; round < rounds; round += 1) {
      for (const which of round % 2 === 0 ? guards : guards.toReversed()) {
        costs[which].push(await costOf(which, child, load, requests));
      }
    }
    return { process: cheaperHalf(costs.process), all: cheaperHalf(costs.all) };
  } finally {
    child.stop();
  }
}

async function costOf(which: Guards, server: Child, load: Child, count: number): Promise<number> {
  const { ports, cpu: before } = await server.ask<State>({});
  const order: LoadOrder = { port: ports[which], path: '/small', requests: count, connections: 4 };
  const { failures } = await load.ask<LoadResult>(order);
  if (failures > 0) throw new Error(`${failures} requests failed`);
  return ((await server.ask<State>({})).cpu - before) / count;
}

function cheaperHalf(costs: number[]): number {
  const cheaper = costs.toSorted((a, b) => a - b).slice(0, costs.length / 2);
  return cheaper.reduce((sum, cost) => sum + cost, 0) / cheaper.length;
}
