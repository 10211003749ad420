import { Histogram, type Registry } from 'prom-client';

/** Upper bounds of the duration buckets in seconds, from a fast read to the default time limit of a request. */
export const durationBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The methods that have a label of their own. Node accepts about 30 more methods, which no route serves. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The statuses of unexpected failures: a bug, and an unreachable dependency. */
const failures = [500, 503];

export type RequestMetrics = ReturnType<typeof createRequestMetrics>;

/**
 * Creates the histogram of request durations, whose count is also the rate of requests and errors. Its labels are
 * method, route pattern and status.
 */
export function createRequestMetrics(registers: Registry[]) {
  const durations = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Time from the request head to the last byte of the response; `route` is a pattern, never a URL',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: durationBuckets,
    enableExemplars: true,
    registers: [],
  });
  // The option `registers` would throw: prom-client rejects exemplars in a registry whose format has none. `expose`
  // writes them.
  for (const registry of registers) registry.registerMetric(durations);
  /**
   * Caches the labelled histograms: a lookup takes a third of the time that prom-client needs to resolve the labels.
   */
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
    // prom-client's types allow an exemplar only the labels of its metric.
    const exemplarLabels = { trace_id: traceId } as Partial<RequestLabels>;
    durations.observe({ labels, value, exemplarLabels });
  }

  return {
    /** Exports a route at 0 from the start, so that `rate()` includes its first success and its first failure. */
    expect(method: string, route: string, successes: readonly number[]): void {
      for (const status of [...successes, ...failures]) {
        durations.zero({ method, route, status: String(status) });
      }
    },
    /** @param traceId the id of the request's trace, if it is recorded; becomes the exemplar of the request's bucket */
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
