import { runBilling } from '@slipway/contracts/billing';
import { rebuild } from '@slipway/contracts/reporting';
import { logIn } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import type { Upstream } from '@slipway/platform/calls/upstream';

export type Account = { email: string; password: string };

/** The result of a job, for its log line. If `done` is false, work remains that another run may finish. */
type Report = { done: boolean } & Record<string, unknown>;

type Job = (gateway: Upstream, account: Account) => Promise<Report>;

/** Maximum number of requests in one run. Each may take two minutes; the next run does the rest. */
const maxRequests = 30;

/** Issues all invoices that are due. A request that ran out of time is sent again, and continues where it stopped. */
const billingCycle: Job = async (gateway, account) => {
  let issued = 0;
  for (let requests = 1; requests <= maxRequests; requests++) {
    const headers = await authorize(gateway, account);
    const run = await createClient(gateway, { runBilling }).runBilling({ headers, body: {} });
    issued += run.issued;
    if (run.complete) return { done: run.failed === 0, issued, failed: run.failed, requests };
  }
  return { done: false, issued, requests: maxRequests };
};

/** Rebuilds reporting's figures from the stored events. */
const reportingRebuild: Job = async (gateway, account) => {
  const headers = await authorize(gateway, account);
  const { events, equal } = await createClient(gateway, { rebuild }).rebuild({ headers });
  return { done: true, events, equal };
};

/** All jobs by name. Each can be stopped at any time and repeated. */
export const jobs: Partial<Record<string, Job>> = {
  'billing-cycle': billingCycle,
  'reporting-rebuild': reportingRebuild,
};

/** Logs in. This is done for each request, because a run may take longer than an access token is valid. */
async function authorize(gateway: Upstream, account: Account): Promise<{ authorization: string }> {
  const { accessToken } = await createClient(gateway, { logIn }).logIn({ body: account });
  return { authorization: `Bearer ${accessToken}` };
}
