import type { Static } from 'typebox';
import type { Operation } from './operation.ts';
import { responses } from './responses.ts';
import { Type } from './type.ts';

const Timestamp = Type.String({ format: 'date-time', description: 'Date and time in UTC (RFC 3339)' });
const Milliseconds = Type.Integer({ minimum: 0, description: 'Milliseconds' });

/** One run of a job: planned, in progress or ended. */
export const JobRun = Type.Object({
  id: Type.Integer({ description: 'Unique for the job; a later run has a higher one' }),
  cause: Type.Enum(['schedule', 'parents', 'request'], {
    description: 'Why it takes place: its time had come, its parents had succeeded, or a person requested it',
  }),
  state: Type.Enum(['due', 'running', 'retrying', 'succeeded', 'failed'], {
    description:
      'due: begins at the next poll; retrying: an attempt did not succeed, and another one follows',
  }),
  plannedAt: Timestamp,
  startedAt: Type.Optional(Timestamp),
  endedAt: Type.Optional(Timestamp),
  nextAttemptAt: Type.Optional(Timestamp),
  attempts: Type.Integer({
    minimum: 0,
    description:
      'Number of attempts that have begun; one that ended because its replica drained is not counted',
  }),
  error: Type.Optional(Type.String({ description: 'Why the last attempt failed' })),
});
export type JobRun = Static<typeof JobRun>;

/** The state of a job, for people. */
export const Job = Type.Object({
  name: Type.String(),
  state: Type.Enum(['scheduled', 'waiting', 'running', 'retrying', 'failed', 'paused', 'ended'], {
    description:
      'waiting: for its parents; retrying: an attempt did not succeed, and another one follows; failed: the last ' +
      'run failed, and the next one is planned; ended: the schedule has no further run',
  }),
  schedule: Type.Optional(Type.String({ description: 'Repeating interval (ISO 8601)' })),
  timeZone: Type.String({ description: 'Time zone of the schedule (IANA)' }),
  parents: Type.Array(Type.String(), {
    description: 'Jobs that must have succeeded since the last run; those of another service as service/job',
  }),
  paused: Type.Boolean(),
  nextRunAt: Type.Optional(Timestamp),
  lastRun: Type.Optional(JobRun),
  lastSuccessAt: Type.Optional(Timestamp),
  succeeded: Type.Integer({ minimum: 0, description: 'Number of runs that succeeded' }),
  failed: Type.Integer({ minimum: 0, description: 'Number of runs that failed, after all their attempts' }),
  durations: Type.Optional(
    Type.Object(
      { p50: Milliseconds, p75: Milliseconds, p95: Milliseconds, p99: Milliseconds },
      { description: 'Percentiles (nearest rank) of the durations of the last successful runs' },
    ),
  ),
});
export type Job = Static<typeof Job>;

const JobPath = Type.Object({ job: Type.String({ pattern: '^[a-z][a-z0-9-]{0,62}$' }) });

/**
 * Makes the operations of a service with jobs. Their ids contain the name of the service, so they are unique in a system.
 *
 * @example
 * export const jobs = jobOperations('billing'); // listBillingJobs, runBillingJob, …
 */
export function jobOperations<Service extends string>(service: Service) {
  const url = `/api/v1/jobs/${service}` as const;
  const Name = `${service.charAt(0).toUpperCase()}${service.slice(1)}`;
  const tags = ['jobs'];
  const config = { access: 'admin' } as const;
  return {
    listJobs: {
      method: 'GET',
      url,
      schema: {
        operationId: `list${Name}Jobs`,
        summary: `Lists the jobs of ${service}, in the order in which they are defined`,
        tags,
        response: responses({ 200: Type.Object({ items: Type.Array(Job) }) }),
      },
      config,
    },
    listJobRuns: {
      method: 'GET',
      url: `${url}/:job/runs`,
      schema: {
        operationId: `list${Name}JobRuns`,
        summary: `Lists the last runs of a job of ${service}, newest first`,
        description: 'A run that has not ended comes first. A job keeps its last 30 runs.',
        tags,
        params: JobPath,
        response: responses({ 200: Type.Object({ items: Type.Array(JobRun) }) }),
      },
      config,
    },
    runJob: {
      method: 'POST',
      url: `${url}/:job/runs`,
      schema: {
        operationId: `run${Name}Job`,
        summary: `Requests a run of a job of ${service}`,
        description:
          'The run begins within seconds, even if the job is paused or waits for its parents. A run that is due or ' +
          'waits for another attempt begins now, instead of a second one. `conflict` while an attempt is running.',
        tags,
        params: JobPath,
        response: responses({ 202: JobRun }),
      },
      config,
    },
    pauseJob: {
      method: 'PUT',
      url: `${url}/:job/pause`,
      schema: {
        operationId: `pause${Name}Job`,
        summary: `Pauses a job of ${service}: it begins no run until it is resumed`,
        description: 'An attempt that is running is not stopped.',
        tags,
        params: JobPath,
        response: responses({ 200: Job }),
      },
      config,
    },
    resumeJob: {
      method: 'DELETE',
      url: `${url}/:job/pause`,
      schema: {
        operationId: `resume${Name}Job`,
        summary: `Resumes a paused job of ${service}`,
        description: 'What happens to the runs that it has missed depends on the `catchUp` of the job.',
        tags,
        params: JobPath,
        response: responses({ 200: Job }),
      },
      config,
    },
  } as const satisfies Record<string, Operation>;
}

export type JobOperations = ReturnType<typeof jobOperations<string>>;
