import { once } from 'node:events';
import { Agent, get } from 'node:http';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import type { ServiceSpec } from '../../scripts/topology.ts';
import { table } from './report.ts';
import { bareFastify, bundled } from './start-image.ts';
import { type Program, start } from './started.ts';
import { median } from './statistics.ts';

const runs = 3;
/** Milliseconds between two requests: 100 a second. */
const interval = 10;
/** Number of requests whose slowest are looked at, after a start and again when the process is warm. */
const looked = 500;
const between = 200;

/** How slow the first requests of a process are, beside later ones: the 99th percentile of 500, at 100 a second. */
export async function firstRequests(specs: ServiceSpec[]): Promise<string[]> {
  const bare = await bareFastify();
  const users = await bundled(specs.filter(({ name }) => name === 'users'));
  // Makes the compile cache, and the client of this bench warm.
  for (const program of [bare, ...users]) await measure(program);
  const rows: string[][] = [];
  for (const program of [bare, ...users]) rows.push(await measureRuns(program));
  return table(['', 'first 500, p99, ms', 'later 500, p99, ms', 'first / later'], rows);
}

async function measureRuns(program: Program): Promise<string[]> {
  const found: { first: number; later: number }[] = [];
  for (let run = 0; run < runs; run += 1) found.push(await measure(program));
  process.stdout.write(`  first requests of ${program.name}\n`);
  const first = median(found.map((each) => each.first));
  const later = median(found.map((each) => each.later));
  const ratio = median(found.map((each) => each.first / each.later));
  return [program.name, first.toFixed(1), later.toFixed(1), ratio.toFixed(1)];
}

async function measure(program: Program): Promise<{ first: number; later: number }> {
  const { ready, kill, exited } = start(program);
  const agent = new Agent({ keepAlive: true });
  try {
    await ready;
    const url = `http://127.0.0.1:${program.env.PORT}${program.name === 'users' ? '/.well-known/jwks.json' : '/'}`;
    const took = await Promise.all(
      Array.from({ length: looked + between + looked }, async (_, index) => {
        await wait(index * interval);
        return request(url, agent);
      }),
    );
    return { first: p99(took.slice(0, looked)), later: p99(took.slice(-looked)) };
  } finally {
    agent.destroy();
    kill('SIGTERM');
    await exited;
  }
}

/** Sends a request, and returns the milliseconds until its response was read. */
async function request(url: string, agent: Agent): Promise<number> {
  const sentAt = performance.now();
  const [response] = await once(get(url, { agent }), 'response');
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`);
  await once(response.resume(), 'end');
  return performance.now() - sentAt;
}

const p99 = (values: number[]) => values.toSorted((a, b) => a - b).at(-Math.ceil(values.length / 100)) ?? 0;
