import { totalmem } from 'node:os';
import { constrainedMemory } from 'node:process';
import { getHeapStatistics } from 'node:v8';
import underPressure from '@fastify/under-pressure';
import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance } from 'fastify';
import { fromZero } from '../telemetry/declare.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { CpuShare } from './cpu-share.ts';

export type Limits = {
  /** Mean delay of the event loop over a sample; milliseconds. */
  maxEventLoopDelay: number;
  maxRssBytes: number;
  maxHeapUsedBytes: number;
};

/**
 * Milliseconds between two samples of the event loop and of memory. If the loop is blocked for a whole interval, its
 * delay counts as infinite, so the interval must not be shorter than the maximum delay.
 */
const sampleInterval = 1_000;
/** Seconds after which a rejected client may retry: one sample. */
const retryAfter = 1;

type Options = {
  limits?: Limits;
  /** Returns whether requests pass for now, whatever the load is. */
  areOff?: () => boolean;
};

/**
 * Rejects requests with 503 while the event loop is stuck or memory is nearly exhausted. This protects the process, not
 * its goodput: the loop has accepted every request before this can reject one. Probes and metrics have a server of their
 * own and are never rejected.
 *
 * @returns a function that returns the current load, for `/status`
 */
export async function registerOverload(
  app: FastifyInstance,
  metrics: Metrics,
  { limits = limitsOf(memoryLimit()), areOff = () => false }: Options = {},
): Promise<() => object> {
  const { TYPE_EVENT_LOOP_DELAY, TYPE_HEAP_USED_BYTES, TYPE_RSS_BYTES } = underPressure;
  fromZero(metrics.rejected, [TYPE_EVENT_LOOP_DELAY, TYPE_HEAP_USED_BYTES, TYPE_RSS_BYTES]);
  let loopIsKnownFrom = Number.POSITIVE_INFINITY;
  app.addHook('onReady', async () => {
    loopIsKnownFrom = performance.now() + 2 * sampleInterval;
  });
  const cpuShare = sampleCpuShare(app);
  await app.register(underPressure, {
    ...limits,
    sampleInterval,
    eventLoopUtilizationMode: 'interval',
    pressureHandler: () => {
      const reason = reasonToReject();
      if (!reason) return;
      metrics.rejected.labels(reason).inc();
      throw problem('overloaded', undefined, { retryAfter });
    },
  });

  /** Compares again: under-pressure does not look at memory while the loop is late, whatever its handler does. */
  function reasonToReject(): string | undefined {
    const { heapUsed, rssBytes, eventLoopDelay } = app.memoryUsage();
    if (areOff()) return undefined;
    if (heapUsed > limits.maxHeapUsedBytes) return TYPE_HEAP_USED_BYTES;
    if (rssBytes > limits.maxRssBytes) return TYPE_RSS_BYTES;
    return eventLoopDelay > limits.maxEventLoopDelay && isOwnDelay() ? TYPE_EVENT_LOOP_DELAY : undefined;
  }

  /**
   * Returns whether the loop was late because of its own work. The first samples measure the start of the process, and a loop
   * that did not compute waited for a processor or a disk, or the machine stood still.
   */
  function isOwnDelay(): boolean {
    const now = performance.now();
    return now >= loopIsKnownFrom && !cpuShare.isStarved(now);
  }

  return () => ({ rejecting: reasonToReject() !== undefined, ...app.memoryUsage(), limits });
}

/**
 * Measures the share of a processor that the process gets, as often as under-pressure measures the delay of its loop. Here an
 * idle loop counts as starved, too: it is not late.
 */
function sampleCpuShare(app: FastifyInstance): CpuShare {
  const cpuShare = new CpuShare();
  const sample = () => cpuShare.busy(performance.now());
  sample();
  const sampling = setInterval(sample, sampleInterval).unref();
  app.addHook('onClose', async () => clearInterval(sampling));
  return cpuShare;
}

/**
 * Returns the limits for a process that may use `memory` bytes. A tenth is left free, so that requests are rejected
 * before the kernel kills the process, and before most of the time goes into garbage collection.
 */
export function limitsOf(memory: number, heapLimit = getHeapStatistics().heap_size_limit): Limits {
  return {
    maxEventLoopDelay: sampleInterval,
    maxRssBytes: Math.floor(memory * 0.9),
    maxHeapUsedBytes: Math.floor(heapLimit * 0.9),
  };
}

/**
 * Returns the bytes that this process may use: its container's limit (cgroup v1 or v2, as libuv reads it) or the
 * machine's memory.
 *
 * @param constrained the container's limit; 0, or more than the machine has, means that there is none
 */
export function memoryLimit(constrained = constrainedMemory(), machine = totalmem()): number {
  return constrained > 0 ? Math.min(constrained, machine) : machine;
}
