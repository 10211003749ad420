import { setTimeout as wait } from 'node:timers/promises';
import type { App } from '@slipway/platform/core/app';
import { createJob } from '@slipway/platform/telemetry/jobs';
import type { Logger } from '@slipway/platform/telemetry/log';
import type { Metrics } from '@slipway/platform/telemetry/metrics';
import { type SettlementParts, settlePending } from './settlement.ts';

/** Interval in milliseconds between two checks for pending payments and refunds. */
const pollInterval = 1_000;
/**
 * Milliseconds, in addition to the provider's time limit, before a payment is settled here and not by its own request.
 */
const grace = 1_000;
/** Maximum time in milliseconds that a shutdown waits for the current check. */
const stopWithin = 1_000;

/**
 * Settles payments and refunds to which the provider did not respond in time, or that a crash interrupted. Runs as long
 * as the service runs, and begins at start, because a client may never repeat its request.
 */
export function registerPendingSettlements(
  app: App,
  parts: SettlementParts & { providerTimeoutMs: number; log: Logger; metrics: Metrics },
): void {
  const stopping = new AbortController();
  const job = createJob(parts.metrics, 'payment-recovery');
  let running: Promise<void> | undefined;

  /** @returns the number of invoices that stay pending */
  const check = async () => {
    let pending = 0;
    const before = new Date(Date.parse(parts.clock.now()) - parts.providerTimeoutMs - grace).toISOString();
    const onFailure = (error: unknown, invoice: string) => {
      pending += 1;
      parts.log.warn({ err: error, invoice }, 'a payment or refund stays pending');
    };
    await settlePending(parts, before, onFailure, stopping.signal);
    return pending;
  };
  const measuredCheck = () => job(check, (pending) => (pending === 0 ? 'succeeded' : 'incomplete'));
  const run = async () => {
    while (!stopping.signal.aborted) {
      await measuredCheck().catch((error) =>
        parts.log.error({ err: error }, 'pending payments cannot be read'),
      );
      await wait(pollInterval, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  };

  app.addHook('onReady', async () => {
    running = run();
  });
  app.addHook('onClose', async () => {
    stopping.abort();
    await Promise.race([running, wait(stopWithin, undefined, { ref: false })]);
  });
}
