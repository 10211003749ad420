/** Requests of a service since its start, as its metrics count them. */
export type Counts = { all: number; failed: number };

/** The share of requests that may fail: the objective is 99.9 %. */
const budget = 0.001;

/** How many times faster than allowed the budget may be used up before somebody is woken. */
const burnRate = 14.4;

/** Reads the counts from the text of /metrics. A response with a status of 500 or more is a failed request. */
export function countsIn(metrics: string): Counts {
  const counts: Counts = { all: 0, failed: 0 };
  for (const [, labels = '', value] of metrics.matchAll(
    /^http_server_request_duration_seconds_count\{(.*)\} (\d+)/gm,
  )) {
    counts.all += Number(value);
    if (/status="5/.test(labels)) counts.failed += Number(value);
  }
  return counts;
}

/** The share of requests that failed between two readings. */
export function errorRatio(before: Counts, after: Counts): number {
  return (after.failed - before.failed) / Math.max(after.all - before.all, 1);
}

/** The long window shows that the problem is significant, and the short one that it continues. */
export function isFiring(longWindow: number, shortWindow: number): boolean {
  return longWindow > burnRate * budget && shortWindow > burnRate * budget;
}
