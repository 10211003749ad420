import { runBilling } from '@slipway/contracts/billing';
import { rebuild } from '@slipway/contracts/reporting';
import { logIn } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import type { Upstream } from '@slipway/platform/calls/upstream';

export type Account = { email: string; password: string };

/** What a job has done, for its log line. `done` is false if something is left that a repetition may finish. */
type Report = { done: boolean } & Record<string, unknown>;

type Job = (gateway: Upstream, account: Account) => Promise<Report>;

/** Requests of one run; each bills for up to two minutes. What is left then is the next run's. */
const mostRequests = 30;

/** Issues all invoices that are due: a request that runs out of time is sent again, which goes on where it ended. */
const billingCycle: Job = async (gateway, account) => {
  let issued = 0;
  for (let requests = 1; requests <= mostRequests; requests++) {
    const headers = await authorize(gateway, account);
    const run = await createClient(gateway, { runBilling }).runBilling({ headers, body: {} });
    issued += run.issued;
    if (run.complete) return { done: run.failed === 0, issued, failed: run.failed, requests };
  }
  return { done: false, issued, requests: mostRequests };
};

/** Counts all figures again from the stored events. */
const reportingRebuild: Job = async (gateway, account) => {
  const headers = await authorize(gateway, account);
  const { events, equal } = await createClient(gateway, { rebuild }).rebuild({ headers });
  return { done: true, events, equal };
};

/** What must be done now and then, by name. Each may be repeated, and cut off, at any time. */
export const jobs: Partial<Record<string, Job>> = {
  'billing-cycle': billingCycle,
  'reporting-rebuild': reportingRebuild,
};

/** Logs in for each request: a run may outlast an access token. */
async function authorize(gateway: Upstream, account: Account): Promise<{ authorization: string }> {
  const { accessToken } = await createClient(gateway, { logIn }).logIn({ body: account });
  return { authorization: `Bearer ${accessToken}` };
}
