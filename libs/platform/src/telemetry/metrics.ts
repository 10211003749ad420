import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { LiveList } from '../core/live-list.ts';
import type { Served } from '../core/served.ts';
import { gauge } from './declare.ts';
import { expose } from './exposition.ts';
import { createRequestMetrics, durationBuckets } from './request-metrics.ts';
import { Totals, totalsByPriority } from './totals.ts';

/** The events that a service has not delivered yet. */
export type Backlog = { waiting: number; oldestAt?: string };

export type Metrics = ReturnType<typeof createMetrics>;

/** Creates the metrics that every service has, in their own registry, so that several services can run in one process. */
export function createMetrics(service: string, version: string) {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const inFlight = new LiveList<Served>();
  const callsInFlight = new Map<string, () => number>();
  const totals = {
    requests: new Totals(),
    priorities: totalsByPriority(),
    dependencies: new Map<string, Totals>(),
    lastRequestAt: 0,
  };
  const metrics = {
    registry,
    text: () => registry.metrics(),
    /** Returns the response of `/metrics` to an `Accept` header. */
    expose: (accept?: string) => expose(registry, { service }, accept),
    requests: createRequestMetrics(registers),
    /** The requests in flight. */
    inFlight,
    rejected: new Counter({
      name: 'http_server_requests_rejected_total',
      help: 'Requests rejected to protect the service',
      labelNames: ['reason'] as const,
      registers,
    }),
    dependencies: new Histogram({
      name: 'dependency_call_duration_seconds',
      help: 'Duration of calls to other services, to the store and to other dependencies',
      labelNames: ['dependency', 'operation', 'outcome'] as const,
      buckets: durationBuckets,
      registers,
    }),
    retries: new Counter({
      name: 'dependency_call_retries_total',
      help: 'Retries of calls to other services',
      labelNames: ['dependency'] as const,
      registers,
    }),
    breakers: new Gauge({
      name: 'dependency_breaker_state',
      help: 'State of the circuit breaker for another service: 0 closed, 1 half-open, 2 open',
      labelNames: ['dependency'] as const,
      registers,
    }),
    callsRejected: new Counter({
      name: 'dependency_calls_rejected_total',
      help: 'Calls that were rejected before they were sent, by reason; `retry_budget`: rejected retries',
      labelNames: ['dependency', 'reason'] as const,
      registers,
    }),
    /** The number of calls to each dependency that run or wait for a connection. */
    callsInFlight,
    /** Requests, also by priority, and calls by dependency, for `/status`; `lastRequestAt` is a `Date.now()` or 0. */
    totals,
    /** Returns the undelivered events of a service that publishes events. */
    backlog: undefined as (() => Backlog) | undefined,
  };
  new Gauge({
    name: 'http_server_requests_in_flight',
    help: 'Requests in flight',
    registers,
    collect() {
      this.set(inFlight.size);
    },
  });
  new Gauge({
    name: 'dependency_calls_in_flight',
    help: 'Calls to other services and to the store that run or wait for a connection',
    labelNames: ['dependency'] as const,
    registers,
    collect() {
      for (const [dependency, count] of callsInFlight) this.labels(dependency).set(count());
    },
  });
  const utilization = {
    name: 'nodejs_eventloop_utilization',
    help: 'Share of time in which the event loop was busy since the last scrape, 0 to 1',
  };
  gauge(metrics, utilization, eventLoopUtilization());
  new Gauge({
    name: 'build_info',
    help: 'Version of the service and of Node',
    labelNames: ['version', 'node'],
    registers,
  })
    .labels(version, globalThis.process.version)
    .set(1);
  return metrics;
}

/** Creates a function that returns the utilization of the event loop since its previous call. */
function eventLoopUtilization(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
