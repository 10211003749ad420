import type { Job, JobOperations } from '@slipway/contract-kit/jobs';
import { jobs } from '@slipway/contracts/operations';
import type { Call } from '../client.ts';

/** A job with the service that runs it. */
export type ServiceJob = Job & { service: string };

/** The jobs of the services that answered, and why others did not. */
export type Listed = { jobs: ServiceJob[]; failures: string[] };

const byService = Object.entries(jobs) as [string, JobOperations][];

/** Lists the jobs of all services, in the order of the services. */
export async function listJobs(call: Call): Promise<Listed> {
  const answers = await Promise.allSettled(byService.map(([service, each]) => jobsOf(call, service, each)));
  return {
    jobs: answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])),
    failures: answers.flatMap((answer, index) =>
      answer.status === 'rejected' ? [`${byService[index]?.[0]}: ${answer.reason.message}`] : [],
    ),
  };
}

async function jobsOf(call: Call, service: string, { listJobs }: JobOperations): Promise<ServiceJob[]> {
  const { items } = await call(listJobs, {});
  return items.map((job) => ({ service, ...job }));
}

/**
 * Finds a job by its name, or by `<service>/<name>` if two services have a job of that name.
 *
 * @throws {Error} if no job or more than one has the name; the message lists those that exist.
 */
export function findJob({ jobs, failures }: Listed, name: string): ServiceJob {
  const [found, ...others] = jobs.filter((job) => job.name === name || fullName(job) === name);
  if (!found) throw new Error([`No job is named ${name}. Jobs: ${namesOf(jobs)}`, ...failures].join('\n'));
  if (others.length > 0) throw new Error(`Which one? ${namesOf([found, ...others])}`);
  return found;
}

export const fullName = ({ service, name }: Pick<ServiceJob, 'service' | 'name'>) => `${service}/${name}`;

const namesOf = (jobs: ServiceJob[]) => jobs.map(fullName).join(', ') || 'none';

/** Returns the operations on a job. */
export function operationsOn({ service }: ServiceJob): JobOperations {
  const [, operations] = byService.find(([name]) => name === service) ?? [];
  if (!operations) throw new Error(`${service} has no jobs`);
  return operations;
}
