import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Served } from '../service/time-limit.ts';

/** Seconds; from a fast read to the slowest request that is let through. */
const durationBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export type Metrics = ReturnType<typeof createMetrics>;

/** The metrics every service has, in a registry of its own so that several services fit in one process. */
export function createMetrics(service: string, version: string) {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const inFlight = new Set<Served>();
  const metrics = {
    registry,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    /** Duration and, by its count, rate and errors of requests. `route` is a pattern, never a URL. */
    requests: new Histogram({
      name: 'http_server_request_duration_seconds',
      help: 'Time from the request head to the last byte of the answer',
      labelNames: ['method', 'route', 'status'] as const,
      buckets: durationBuckets,
      registers,
    }),
    /** What is being served. */
    inFlight,
    refused: new Counter({
      name: 'http_server_requests_refused_total',
      help: 'Requests refused to protect the service',
      labelNames: ['reason'] as const,
      registers,
    }),
    dependencies: new Histogram({
      name: 'dependency_call_duration_seconds',
      help: 'Time of calls to other services and to the store',
      labelNames: ['dependency', 'operation', 'outcome'] as const,
      buckets: durationBuckets,
      registers,
    }),
    retries: new Counter({
      name: 'dependency_call_retries_total',
      help: 'Calls to other services that were sent again',
      labelNames: ['dependency'] as const,
      registers,
    }),
    breakers: new Gauge({
      name: 'dependency_breaker_state',
      help: 'Circuit breaker of a service that is called: 0 closed, 1 half-open, 2 open',
      labelNames: ['dependency'] as const,
      registers,
    }),
  };
  new Gauge({
    name: 'http_server_requests_in_flight',
    help: 'Requests being served',
    registers,
    collect() {
      this.set(inFlight.size);
    },
  });
  new Gauge({ name: 'build_info', help: 'What runs here', labelNames: ['version', 'node'], registers })
    .labels(version, globalThis.process.version)
    .set(1);
  return metrics;
}
