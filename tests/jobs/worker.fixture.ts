/** A service with one job. Each step of it asks the test what to do, and writes a line into a journal. */
import { hostname } from 'node:os';
import process from 'node:process';
import { Type } from '@slipway/contract-kit/type';
import { update } from '@slipway/platform/events/aggregates';
import { fenced } from '@slipway/platform/jobs/fence';
import { defineJob, type JobAttempt } from '@slipway/platform/jobs/job';
import { registerJobs } from '@slipway/platform/jobs/scheduler';
import { jobSettings } from '@slipway/platform/jobs/settings';
import { run } from '@slipway/platform/service/run';
import { defineService } from '@slipway/platform/service/service';
import { platformSettings } from '@slipway/platform/service/settings';
import { type Journal, openWorkerStore, type WorkerStore } from './stores.ts';

const settings = Type.Object({
  ...platformSettings.properties,
  ...jobSettings.properties,
  STORE_URL: Type.String({ description: 'Where jobs and journals are stored' }),
  EXAMINER_URL: Type.String({ description: 'The address of the test, which is asked before each step' }),
  FENCED: Type.Boolean({ default: true, description: 'Whether the job writes with its fencing token' }),
});

const worker = defineService({
  name: 'worker',
  version: '1.0.0',
  settings,
  openStore: ({ STORE_URL }) => openWorkerStore(STORE_URL),
  register(app, { settings, store, ...context }) {
    const steps = defineJob({
      name: 'steps',
      schedule: 'R/2026-01-01T00:00:00/P1D',
      run: (attempt) => runSteps(attempt, { store, test: settings.EXAMINER_URL, isFenced: settings.FENCED }),
    });
    const leaseMs = settings.JOB_LEASE_MS;
    registerJobs(app, { service: 'worker', jobs: [steps], store: store.jobs, leaseMs, ...context });
  },
});

type Parts = { store: WorkerStore; test: string; isFenced: boolean };

async function runSteps(attempt: JobAttempt, { store, test, isFenced }: Parts): Promise<void> {
  const { signal, fence, checkpoint } = attempt;
  const journals = isFenced ? fenced(store.journals, fence) : store.journals;
  for (let step = Number(checkpoint ?? 0); step < 5; step++) {
    const question = { step, attempt: attempt.attempt, pid: process.pid, host: hostname() };
    // Without the fence, the job does not heed its signal either: it is as a job is that knows nothing of leases.
    const options = { method: 'POST', body: JSON.stringify(question), ...(isFenced && { signal }) };
    await fetch(test, options);
    const add = (journal: Journal) => ({
      next: { ...journal, steps: [...journal.steps, String(step)], version: journal.version + 1 },
      events: [],
    });
    await update(journals, 'journal', add, { ifMissing: () => ({ id: 'journal', version: 0, steps: [] }) });
    if (isFenced) await attempt.saveCheckpoint(step + 1);
  }
}

await run(worker, process);
