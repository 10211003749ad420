import type { Job } from '@slipway/platform/jobs/job';
import { createLogs } from '@slipway/platform/telemetry/log';
import { createMetrics } from '@slipway/platform/telemetry/metrics';

/** Returns what the loop of a replica needs beside its store: a silent log, no traces, and metrics of its own. */
export function loopParts(jobs: Job[]) {
  const { log } = createLogs('worker', 'silent');
  const tracing = { background: <T>(_name: string, _links: unknown[], work: () => Promise<T>) => work() };
  return { service: 'worker', jobs, log, metrics: createMetrics('worker', '1.0.0'), tracing };
}
