import { problem } from '@slipway/contract-kit/problem';
import type { App } from '../core/app.ts';
import { update } from '../events/aggregates.ts';
import { checkJobs } from './job.ts';
import { reportParent, request, setPaused } from './job-controls.ts';
import { createJobLoop, type LoopOptions } from './job-loop.ts';
import type { JobRecord } from './job-record.ts';

export type JobsOptions = LoopOptions & {
  /** Jobs begin when the service is ready, and are told when it drains. */
  lifecycle: { on(state: 'ready' | 'draining', listener: () => void): void };
};

/** The jobs of a service, for people and for other services. */
export type Jobs = {
  /** Returns the records of all jobs, in the order of their definition. */
  list(): Promise<JobRecord[]>;
  /** @throws {Problem} not_found */
  find(name: string): Promise<JobRecord>;
  /** Requests a run at once, even of a paused job. @throws {Problem} not_found; conflict if the job is running. */
  request(name: string): Promise<JobRecord>;
  /** Pauses a job: no run begins, except a requested one. @throws {Problem} not_found */
  setPaused(name: string, paused: boolean): Promise<JobRecord>;
  /**
   * Records how often a job of another service has succeeded.
   *
   * @param parent `<service>/<job>`
   * @throws {Problem} unavailable if the service has begun to start, and its jobs are not registered yet.
   */
  reportParent(parent: string, succeeded: number): Promise<void>;
};

/**
 * Runs the jobs of a service: each on one of its replicas at a time, and again if it fails.
 *
 * @throws {StartError} if the jobs cannot run together.
 * @example
 * registerJobs(app, { service: 'billing', jobs: [billingCycle], store: store.jobs, lifecycle, log, metrics, tracing });
 */
export function registerJobs(app: App, options: JobsOptions): Jobs {
  const { jobs, store, lifecycle, clock = Date.now } = options;
  checkJobs(jobs, options);
  const loop = createJobLoop(options);
  lifecycle.on('ready', loop.start);
  lifecycle.on('draining', loop.drain);
  app.addHook('onClose', loop.stop);
  const names = new Set(jobs.map(({ name }) => name));

  const change = async (name: string, rule: (record: JobRecord) => JobRecord | undefined) => {
    if (!names.has(name)) throw problem('not_found', `No job is named ${name}`);
    const changeRecord = (record: JobRecord) => {
      const next = rule(record);
      return next && { next, events: [] };
    };
    const ifMissing = () => {
      throw problem('unavailable', `The job ${name} is not registered yet`, { retryAfter: 1 });
    };
    const changed = await update(store, name, changeRecord, { ifMissing });
    loop.wake();
    return changed;
  };

  return {
    async list() {
      const records = new Map((await store.list()).map((record) => [record.id, record]));
      return jobs.flatMap(({ name }) => records.get(name) ?? []);
    },
    async find(name) {
      const record = names.has(name) ? await store.get(name) : undefined;
      if (!record) throw problem('not_found', `No job is named ${name}`);
      return record;
    },
    request: (name) =>
      change(name, (record) => {
        const next = request(record, clock());
        if (!next) throw problem('conflict', `The job ${name} is running`);
        return next;
      }),
    setPaused: (name, paused) => change(name, (record) => setPaused(record, paused)),
    async reportParent(parent, succeeded) {
      const children = jobs.filter(({ after }) => after.includes(parent));
      for (const { name } of children)
        await change(name, (record) => reportParent(record, parent, succeeded));
    },
  };
}
