import type { Metrics } from './metrics.ts';

/** `incomplete`: the run ended without an error, but work remains. */
const outcomes = ['succeeded', 'incomplete', 'failed'] as const;

export type JobOutcome = (typeof outcomes)[number];

/** Runs work as a run of a job, and measures it. */
export type Job = <Result>(
  work: () => Promise<Result>,
  outcomeOf?: (result: Result) => JobOutcome,
) => Promise<Result>;

/**
 * Measures a job: counts its runs, and exports their duration and the time of the last success.
 *
 * @example
 * const billingRun = createJob(metrics, 'billing-run');
 * await billingRun(() => runBilling(parts), ({ complete }) => (complete ? 'succeeded' : 'incomplete'));
 */
export function createJob({ jobs }: Metrics, name: string): Job {
  const duration = jobs.duration.labels(name);
  jobs.duration.zero({ name });
  for (const outcome of outcomes) jobs.runs.labels(name, outcome).inc(0);
  const ended = (outcome: JobOutcome, startedAt: number) => {
    duration.observe((performance.now() - startedAt) / 1000);
    jobs.runs.labels(name, outcome).inc();
    if (outcome === 'succeeded') jobs.lastSuccess.labels(name).setToCurrentTime();
  };
  return async (work, outcomeOf = () => 'succeeded') => {
    const startedAt = performance.now();
    try {
      const result = await work();
      ended(outcomeOf(result), startedAt);
      return result;
    } catch (error) {
      ended('failed', startedAt);
      throw error;
    }
  };
}
