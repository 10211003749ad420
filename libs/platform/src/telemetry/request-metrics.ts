import { Histogram, type Registry } from 'prom-client';

/** Seconds; from a fast read to the slowest request that is let through. */
export const durationBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What a route may be called with. Node lets 30 more methods through, which nobody here serves. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** How a route fails when nobody expects it: a bug, and a dependency that is away. */
const failures = [500, 503];

export type RequestMetrics = ReturnType<typeof createRequestMetrics>;

/** The duration of requests and, by its count, their rate and errors: by method, route pattern and status. */
export function createRequestMetrics(registers: Registry[]) {
  const durations = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Time from the request head to the last byte of the response; `route` is a pattern, never a URL',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: durationBuckets,
    enableExemplars: true,
    registers: [],
  });
  // By hand: prom-client refuses exemplars in a registry whose own text has none. `expose` writes them.
  for (const registry of registers) registry.registerMetric(durations);
  /** To find the labels of a request in a map costs a third of what resolving them does. */
  const known = new Map<string, ReturnType<typeof durations.labels>>();

  function series(method: string, route: string, status: number) {
    const key = `${method} ${status} ${route}`;
    const found = known.get(key);
    if (found) return found;
    const made = durations.labels(labelsOf(method, route, status));
    known.set(key, made);
    return made;
  }

  function observeWithExemplar(labels: RequestLabels, value: number, traceId: string): void {
    // The types of prom-client know no other labels of an exemplar than those of its metric.
    const exemplarLabels = { trace_id: traceId } as Partial<RequestLabels>;
    durations.observe({ labels, value, exemplarLabels });
  }

  return {
    /** Shows a route from the start, so that `rate()` sees also its first success and its first failure. */
    expect(method: string, route: string, successes: readonly number[]): void {
      for (const status of [...successes, ...failures]) {
        durations.zero({ method, route, status: String(status) });
      }
    },
    /**
     * @param traceId of a trace that is recorded: the way from a slow bucket to one of its requests
     */
    ended(method: string, route: string, status: number, seconds: number, traceId?: string): void {
      if (traceId === undefined) series(method, route, status).observe(seconds);
      else observeWithExemplar(labelsOf(method, route, status), seconds, traceId);
    },
  };
}

type RequestLabels = { method: string; route: string; status: string };

function labelsOf(method: string, route: string, status: number): RequestLabels {
  return { method: methods.has(method) ? method : '_OTHER', route, status: String(status) };
}
