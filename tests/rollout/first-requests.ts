import type { ServiceName } from '../../scripts/system.ts';
import { kubectl } from '../support/kubectl.ts';
import { podsOf } from './cluster.ts';
import { quantile } from './figures.ts';

/** Number of requests that are looked at, from the start of a process and at its end. */
const looked = 500;

/** The columns of a row of `firstRequests`. */
export const firstColumns = ['pod of', 'requests', 'first 500, p99 ms', 'last 500, p99 ms', 'first / last'];

/**
 * Returns how slow the first requests of each pod of a service were beside its last ones, by the durations that it logged.
 * Streams and uploads are left out: they last as long as their client wants. A pod with fewer than twice as many requests
 * gives no row.
 */
export async function firstRequests(service: ServiceName): Promise<string[][]> {
  const pods = await podsOf(service);
  const durations = await Promise.all(pods.map(async ({ name }) => readDurations(await readLog(name))));
  return durations.filter(({ length }) => length >= 2 * looked).map((all) => rowOf(service, all));
}

const readLog = (pod: string) => kubectl('logs', pod, '--tail=-1');

/** Reads the milliseconds of each request from a log of one JSON object a line. */
export function readDurations(log: string): number[] {
  const lines = log.split('\n').filter((line) => line.includes('"msg":"request"'));
  const requests = lines.map((line) => JSON.parse(line) as { method: string; route: string; ms: number });
  return requests
    .filter(({ method, route }) => !(method === 'POST' && route.includes('/usage')))
    .map(({ ms }) => ms);
}

function rowOf(service: ServiceName, all: number[]): string[] {
  const p99 = (some: number[]) =>
    quantile(
      some.toSorted((a, b) => a - b),
      0.99,
    );
  const [first, last] = [p99(all.slice(0, looked)), p99(all.slice(-looked))];
  return [service, String(all.length), first.toFixed(1), last.toFixed(1), (first / last).toFixed(1)];
}
