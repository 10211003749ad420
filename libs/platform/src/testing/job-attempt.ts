import type { Job, JobAttempt } from '../jobs/job.ts';
import { createLogs } from '../telemetry/log.ts';

/**
 * Makes one attempt of a job, without a scheduler: the first of a run that is planned now, by a replica that keeps its
 * lease, and that nobody stops.
 *
 * @param given what is different
 */
export async function attemptJob(job: Job, given: Partial<JobAttempt> = {}): Promise<void> {
  await job.run({
    plannedAt: new Date().toISOString(),
    attempt: 1,
    signal: new AbortController().signal,
    log: createLogs('test', 'silent').log,
    checkpoint: undefined,
    saveCheckpoint: async () => undefined,
    fence: { job: job.name, token: 1, check: () => undefined },
    ...given,
  });
}
