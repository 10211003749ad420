import type { ServiceName } from '../../scripts/system.ts';
import { kubectl } from '../support/kubectl.ts';
import { podsOf } from './cluster.ts';
import { quantile } from './figures.ts';

/** Number of requests that are compared with as many others. */
const looked = 500;

/** The columns of a row of `firstRequests`. */
export const firstColumns = [
  'pod of',
  'requests',
  'first 500, p99 ms',
  'slowest later 500, p99 ms',
  'last 500, p99 ms',
  'first / last',
];

/**
 * Returns how slow the first requests of each pod of a service were, by the durations that it logged: beside its slowest
 * later ones, which also wait while another pod starts, and beside its last ones. Streams and uploads are left out: they
 * last as long as their client wants. A pod with fewer than twice as many requests gives no row.
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

/** Returns the row of one pod, from the milliseconds of its requests in their order. */
export function rowOf(service: string, durations: number[]): string[] {
  const first = p99(durations.slice(0, looked));
  const last = p99(durations.slice(-looked));
  const later = Array.from({ length: Math.floor(durations.length / looked) - 1 }, (_, index) =>
    p99(durations.slice((index + 1) * looked, (index + 2) * looked)),
  );
  const figures = [first, Math.max(...later, last), last, first / last];
  return [service, String(durations.length), ...figures.map((figure) => figure.toFixed(1))];
}

function p99(durations: number[]): number {
  return quantile(
    durations.toSorted((a, b) => a - b),
    0.99,
  );
}
