import type { JobAttempt } from '@slipway/platform/jobs/job';
import { createMetrics } from '@slipway/platform/telemetry/metrics';
import { attemptJob } from '@slipway/platform/testing/job-attempt';
import { onTestFinished } from 'vitest';
import { createCounts } from '../counts.ts';
import { billingJobs } from '../jobs.ts';
import { plans } from '../plans.ts';
import type { PaymentProvider } from '../provider/provider.ts';
import { openSandbox } from '../provider/sandbox.ts';
import type { BillingStore } from '../store/store.ts';

/** Opens a payment provider that is closed after the test. */
export function newSandbox(): PaymentProvider {
  const provider = openSandbox('sqlite::memory:');
  onTestFinished(() => provider.close());
  return provider;
}

/** How long billing waits for the provider; milliseconds. */
export const providerTimeoutMs = 1_000;

/** Returns what payments need, with a clock that is some milliseconds ahead. */
export const settlementWith = (provider: PaymentProvider, aheadMs = 0) => ({
  provider,
  clock: { now: () => new Date(Date.now() + aheadMs).toISOString(), tolerance: 0 },
  counts: createCounts(createMetrics('billing', 'test')),
  timeoutMs: () => providerTimeoutMs,
});

type Settlement = ReturnType<typeof settlementWith>;

/** Makes an attempt of one of billing's jobs on a store. */
export async function attempt(
  name: string,
  store: BillingStore,
  settlement: Settlement,
  given: Partial<JobAttempt> = {},
) {
  const jobs = billingJobs({ ...store, ...settlement, plans, providerTimeoutMs });
  const job = jobs.find((each) => each.name === name);
  if (!job) throw new Error(`There is no job ${name}`);
  await attemptJob(job, given);
}
