import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance } from 'fastify';
import { problem } from './errors.ts';
import type { Metrics } from './metrics.ts';

/** Refuses work with 503 while the event loop is stuck or memory is nearly used up. */
export async function registerOverload(app: FastifyInstance, metrics: Metrics): Promise<void> {
  await app.register(underPressure, {
    ...limits(memoryLimit()),
    pressureHandler: (_request, _reply, type) => {
      metrics.refused.labels(type).inc();
      throw problem('overloaded', undefined, { retryAfter: 1 });
    },
  });
}

function limits(memory: number) {
  return { maxEventLoopDelay: 1_000, sampleInterval: 500, maxRssBytes: Math.floor(memory * 0.9) };
}

/** Bytes this process may use: the container's limit (cgroup v2) or the machine's memory. */
export function memoryLimit(file = '/sys/fs/cgroup/memory.max'): number {
  try {
    const limit = Number(readFileSync(file, 'utf8'));
    return Number.isFinite(limit) ? Math.min(limit, totalmem()) : totalmem();
  } catch {
    return totalmem();
  }
}
