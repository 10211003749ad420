import { totalmem } from 'node:os';
import { constrainedMemory } from 'node:process';
import { getHeapStatistics } from 'node:v8';
import underPressure from '@fastify/under-pressure';
import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance } from 'fastify';
import { fromZero } from '../telemetry/declare.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export type Limits = {
  /** Mean delay of the event loop over a sample; milliseconds. */
  maxEventLoopDelay: number;
  maxRssBytes: number;
  maxHeapUsedBytes: number;
};

/**
 * Milliseconds between two looks at the event loop and at the memory. A loop that does not turn between two looks
 * counts as stuck for ever, so this must not be less than the delay that is allowed.
 */
const sampleInterval = 1_000;
/** Seconds after which a refused caller may come again: one sample. */
const retryAfter = 1;

/**
 * Refuses work with 503 while the event loop is stuck or memory is nearly used up. It guards the process, not
 * the goodput: the loop has accepted every request before this can refuse one. Probes and metrics have a
 * server of their own and are never refused.
 *
 * @returns the present load, for `/status`
 */
export async function registerOverload(
  app: FastifyInstance,
  metrics: Metrics,
  limits: Limits = limitsOf(memoryLimit()),
): Promise<() => object> {
  const { TYPE_EVENT_LOOP_DELAY, TYPE_HEAP_USED_BYTES, TYPE_RSS_BYTES } = underPressure;
  fromZero(metrics.refused, [TYPE_EVENT_LOOP_DELAY, TYPE_HEAP_USED_BYTES, TYPE_RSS_BYTES]);
  let loopIsKnownFrom = Number.POSITIVE_INFINITY;
  app.addHook('onReady', async () => {
    loopIsKnownFrom = performance.now() + 2 * sampleInterval;
  });
  await app.register(underPressure, {
    ...limits,
    sampleInterval,
    eventLoopUtilizationMode: 'interval',
    pressureHandler: (_request, _reply, type) => {
      // The first samples measure the start itself.
      if (type === TYPE_EVENT_LOOP_DELAY && performance.now() < loopIsKnownFrom) return;
      metrics.refused.labels(type).inc();
      throw problem('overloaded', undefined, { retryAfter });
    },
  });
  return () => ({ refusing: app.isUnderPressure(), ...app.memoryUsage(), limits });
}

/**
 * The limits for a process that may use `memory` bytes. A tenth is left free: an orderly refusal must come
 * before the kernel ends the process, or before the heap is spent on collecting garbage.
 */
export function limitsOf(memory: number, heapLimit = getHeapStatistics().heap_size_limit): Limits {
  return {
    maxEventLoopDelay: sampleInterval,
    maxRssBytes: Math.floor(memory * 0.9),
    maxHeapUsedBytes: Math.floor(heapLimit * 0.9),
  };
}

/**
 * Bytes this process may use: the container's limit (cgroup v1 or v2, as libuv finds it) or the machine's memory.
 *
 * @param constrained 0 or a number beyond the machine's size means that there is no limit
 */
export function memoryLimit(constrained = constrainedMemory(), machine = totalmem()): number {
  return constrained > 0 ? Math.min(constrained, machine) : machine;
}
