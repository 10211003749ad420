import type { JobOperations, JobRun } from '@slipway/contract-kit/jobs';
import { ok, send } from './http.ts';
import { eventually } from './people.ts';

type Job = { params: { job: string } };
type Administrator = { base: string; token: string };

/** Requests a run of a job, as soon as no attempt of it is running. */
export function requestRun({ runJob }: JobOperations, job: Job, { base, token }: Administrator) {
  return eventually('no attempt is running', async () => {
    const { status, body } = await send(base, runJob, job, { token });
    return status === 202 && body;
  });
}

/** Returns a run when it has ended. */
export function endedRun(
  id: JobRun['id'],
  { listJobRuns }: JobOperations,
  job: Job,
  { base, token }: Administrator,
): Promise<JobRun> {
  return eventually('the run has ended', async () => {
    const { items } = await ok(base, listJobRuns, job, { token });
    return items.find((run) => run.id === id && run.endedAt);
  });
}

/** Requests a run, and returns it when it has ended. */
export async function runNow(operations: JobOperations, job: Job, administrator: Administrator) {
  const { id } = await requestRun(operations, job, administrator);
  return endedRun(id, operations, job, administrator);
}
