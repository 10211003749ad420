import type { Job, JobOperations } from '@slipway/contract-kit/jobs';
import type { FastifyRequest } from 'fastify';
import type { App } from '../core/app.ts';
import { principalOf } from '../http/access.ts';
import type { JobRecord } from './job-record.ts';
import { describeJob, describeOpen, describeRuns } from './job-view.ts';
import type { Jobs } from './scheduler.ts';

/**
 * Registers the operations with which administrators read and control the jobs of a service. A log line says who has
 * requested, paused or resumed a job.
 *
 * @param operations those of the service's contract
 * @example
 * registerJobRoutes(app, registerJobs(app, options), jobOperations('billing'));
 */
export function registerJobRoutes(app: App, jobs: Jobs, operations: JobOperations): void {
  const { listJobs, listJobRuns, runJob, pauseJob, resumeJob } = operations;
  app.route({ ...listJobs, handler: async () => ({ items: await describeAll(jobs) }) });
  app.route({
    ...listJobRuns,
    handler: async ({ params }) => ({ items: describeRuns(await jobs.find(params.job)) }),
  });
  app.route({
    ...runJob,
    handler: async (request, reply) => {
      const { job } = request.params;
      const { run, lease } = await jobs.request(job);
      logWho(request, job, 'job requested');
      // An accepted request always leaves an open run.
      if (!run) throw new Error(`the requested run of ${job} is missing`);
      return reply.code(202).send(describeOpen(run, lease));
    },
  });
  const setPaused = async (request: FastifyRequest, job: string, paused: boolean) => {
    const changed = await jobs.setPaused(job, paused);
    logWho(request, job, paused ? 'job paused' : 'job resumed');
    return describeJob(changed, byName(await jobs.list()));
  };
  app.route({ ...pauseJob, handler: (request) => setPaused(request, request.params.job, true) });
  app.route({ ...resumeJob, handler: (request) => setPaused(request, request.params.job, false) });
}

function logWho(request: FastifyRequest, job: string, what: string): void {
  request.log.info({ job, userId: principalOf(request).subject }, what);
}

async function describeAll(jobs: Jobs): Promise<Job[]> {
  const all = await jobs.list();
  const records = byName(all);
  return all.map((record) => describeJob(record, records));
}

const byName = (records: JobRecord[]) => new Map(records.map((record) => [record.id, record]));
