import type { IdempotencyStore } from '@slipway/platform/http/idempotency';
import { fenced } from '@slipway/platform/jobs/fence';
import { idempotencyCleanup } from '@slipway/platform/jobs/idempotency-cleanup';
import { defineJob, type Job } from '@slipway/platform/jobs/job';
import { type BillingParts, runBilling } from './billing-run.ts';
import { type SettlementParts, settlePending } from './settlement.ts';

type Parts = BillingParts & RecoveryParts & { idempotency: IdempotencyStore };

type RecoveryParts = SettlementParts & {
  /** Time limit of the provider in a request; milliseconds. */
  providerTimeoutMs: number;
};

/**
 * Milliseconds, in addition to the provider's time limit, before a payment is settled here and not by its own request.
 */
const grace = 1_000;

/** Returns the jobs of billing. */
export function billingJobs(parts: Parts): Job[] {
  return [billingCycle(parts), paymentRecovery(parts), idempotencyCleanup(parts.idempotency)];
}

/**
 * Issues the invoices of all periods that have ended, once a day. An attempt needs no checkpoint, because it finds the
 * subscriptions that are still due by their state.
 */
function billingCycle(parts: BillingParts): Job {
  return defineJob({
    name: 'billing-cycle',
    schedule: 'R/2026-01-01T01:15:00/P1D',
    // For some minutes, because the next run is a day later.
    retries: 8,
    timeoutMs: 60 * 60_000,
    async run({ plannedAt, signal, fence, log }) {
      const subscriptions = fenced(parts.subscriptions, fence);
      const invoices = fenced(parts.invoices, fence);
      const report = await runBilling(
        { ...parts, subscriptions, invoices },
        {
          asOf: plannedAt,
          mayGoOn: () => !signal.aborted,
          onFailure: (error, subscription) => log.error({ err: error, subscription }, 'not billed'),
        },
      );
      log.info(report, 'invoices issued');
      signal.throwIfAborted();
      if (report.failed > 0)
        throw new Error(`${report.failed} subscriptions could not be billed: see "not billed" in the log`);
    },
  });
}

/**
 * Settles payments and refunds to which the provider did not respond in time, or that a crash interrupted, because a
 * client may never repeat its request. A run that leaves one pending has failed; the next one follows 5 s later.
 */
function paymentRecovery({ providerTimeoutMs, ...parts }: RecoveryParts): Job {
  return defineJob({
    name: 'payment-recovery',
    schedule: 'R/2026-01-01T00:00:00/PT5S',
    retries: 0,
    async run({ signal, fence, log }) {
      const before = new Date(Date.parse(parts.clock.now()) - providerTimeoutMs - grace).toISOString();
      let pending = 0;
      const onFailure = (error: unknown, invoice: string) => {
        pending += 1;
        log.warn({ err: error, invoice }, 'a payment or refund stays pending');
      };
      await settlePending({ ...parts, invoices: fenced(parts.invoices, fence) }, before, onFailure, signal);
      signal.throwIfAborted();
      if (pending > 0) throw new Error(`the payments or refunds of ${pending} invoices stay pending`);
    },
  });
}
