// Loads the jobs of all services.

import { element } from '../../dom.js';
import { failureText } from '../../failure.js';
import { call } from '../../session.js';
import { servicesWithJobs } from '../../system.js';

/**
 * Loads the jobs of the services that respond, in the order of the services. Each has its `fullName`, such as
 * `billing/billing-cycle`, and those of its parents.
 *
 * @returns the jobs, and for each service that did not respond an element that says why
 */
export async function loadJobs(signal) {
  const answers = await Promise.allSettled(servicesWithJobs.map((service) => jobsOf(service, signal)));
  signal.throwIfAborted();
  return {
    jobs: answers.flatMap(({ value = [] }) => value),
    failures: answers.flatMap(({ reason }, index) =>
      reason ? [failureOf(servicesWithJobs[index], reason)] : [],
    ),
  };
}

async function jobsOf(service, signal) {
  const { items } = await call('GET', pathOf(service), { signal });
  return items.map((job) => ({
    ...job,
    service,
    fullName: `${service}/${job.name}`,
    parents: job.parents.map((parent) => (parent.includes('/') ? parent : `${service}/${parent}`)),
  }));
}

const failureOf = (service, reason) =>
  element('div', {}, element('strong', {}, `The jobs of ${service}:`), ...failureText(reason));

const pathOf = (service) => `/api/v1/jobs/${service}`;

/** Returns the path of the operations on one job. */
export const pathOfJob = ({ service, name }) => `${pathOf(service)}/${name}`;
