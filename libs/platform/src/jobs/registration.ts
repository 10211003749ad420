import { register } from './due-runs.ts';
import type { Job } from './job.ts';
import type { JobStore } from './job-record.ts';

/** Writes the records of jobs that are new or have changed. */
export async function registerAll(jobs: readonly Job[], store: JobStore, now: number): Promise<void> {
  const records = new Map((await store.list()).map((record) => [record.id, record]));
  for (const job of jobs) {
    let present = records.get(job.name);
    for (;;) {
      const next = register(present, job, now);
      if (!next) break;
      const change = { next, events: [] };
      if (await (present ? store.replace(change) : store.add(change))) break;
      present = await store.get(job.name);
    }
  }
}
