import { threadCpuUsage } from 'node:process';
import { type Priority, priorities } from '@slipway/contract-kit/operation';
import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance } from 'fastify';
import { bearerTokenOf } from '../http/bearer.ts';
import { isSameSecret } from '../http/secret.ts';

/** CPU time of one request: a process can serve 250 a second. Milliseconds. */
export const workMs = 4;

/** Returns the path of the work with a priority. */
export const workPath = (priority: Priority) => `/internal/work/${priority}`;

/**
 * Registers a route for each priority that only computes, for load tests. The requests of real operations are so cheap that
 * a laptop cannot send enough of them, or they change data.
 *
 * @param token the secret that callers present
 */
export function registerWork(app: FastifyInstance, token: string): void {
  for (const priority of priorities) {
    const config = { access: 'service', priority } as object;
    app.get(workPath(priority), { config }, async ({ headers }) => {
      if (!isSameSecret(bearerTokenOf(headers) ?? '', token)) throw problem('unauthenticated');
      compute(workMs);
      return { cpuMs: workMs };
    });
  }
}

/**
 * Uses CPU time of this thread. It does not count the time in which other processes run, so the work is the same on a busy
 * machine.
 */
function compute(ms: number): void {
  const end = cpuTime() + ms;
  while (cpuTime() < end);
}

function cpuTime(): number {
  const { user, system } = threadCpuUsage();
  return (user + system) / 1_000;
}
