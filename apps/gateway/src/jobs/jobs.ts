import { runBilling } from '@slipway/contracts/billing';
import { rebuild } from '@slipway/contracts/reporting';
import { createClient } from '@slipway/platform/calls/client';
import type { Upstream } from '@slipway/platform/calls/upstream';

/** The result of a job, for its log line. If `done` is false, work remains that another run may finish. */
type Report = { done: boolean } & Record<string, unknown>;

type Job = {
  /** The service that the job calls. */
  service: 'billing' | 'reporting';
  /** @param token the secret that only this job and the service have: no job uses a person's password. */
  run(service: Upstream, token: string): Promise<Report>;
};

/** Maximum number of requests in one run. Each may take two minutes; the next run does the rest. */
const maxRequests = 30;

/** Issues all invoices that are due. If a request runs out of time, the next one continues where it stopped. */
const billingCycle: Job = {
  service: 'billing',
  async run(billing, token) {
    let issued = 0;
    for (let requests = 1; requests <= maxRequests; requests++) {
      const request = { headers: bearer(token), body: {} };
      const run = await createClient(billing, { runBilling }).runBilling(request);
      issued += run.issued;
      if (run.complete) return { done: run.failed === 0, issued, failed: run.failed, requests };
    }
    return { done: false, issued, requests: maxRequests };
  },
};

/** Rebuilds reporting's figures from the stored events. */
const reportingRebuild: Job = {
  service: 'reporting',
  async run(reporting, token) {
    const { events, equal } = await createClient(reporting, { rebuild }).rebuild({ headers: bearer(token) });
    return { done: true, events, equal };
  },
};

/** All jobs by name. Each can be stopped at any time and repeated. */
export const jobs: Partial<Record<string, Job>> = {
  'billing-cycle': billingCycle,
  'reporting-rebuild': reportingRebuild,
};

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
