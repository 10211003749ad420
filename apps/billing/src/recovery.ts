import { setTimeout as wait } from 'node:timers/promises';
import type { App } from '@slipway/platform/core/app';
import { createJob } from '@slipway/platform/telemetry/jobs';
import type { Logger } from '@slipway/platform/telemetry/log';
import type { Metrics } from '@slipway/platform/telemetry/metrics';
import { type SettlementParts, settlePending } from './settlement.ts';

/** Milliseconds between two looks for payments and refunds that are pending. */
const lookEvery = 1_000;
/** Milliseconds that the request which began a payment has for itself, beyond the provider's time. */
const grace = 1_000;
/** Milliseconds that a stop waits for the look in progress. */
const stopWithin = 1_000;

/**
 * Settles what the provider did not answer in time, or what a crash cut off, for as long as the service runs.
 * It begins with the start, because nobody may ever repeat the request.
 */
export function registerRecovery(
  app: App,
  parts: SettlementParts & { providerTimeoutMs: number; log: Logger; metrics: Metrics },
): void {
  const stopping = new AbortController();
  const job = createJob(parts.metrics, 'payment-recovery');
  let running: Promise<void> | undefined;

  /** @returns how many invoices stay pending */
  const look = async () => {
    let pending = 0;
    const before = new Date(Date.parse(parts.clock.now()) - parts.providerTimeoutMs - grace).toISOString();
    const onFailure = (error: unknown, invoice: string) => {
      pending += 1;
      parts.log.warn({ err: error, invoice }, 'a payment or refund stays pending');
    };
    await settlePending(parts, before, onFailure, stopping.signal);
    return pending;
  };
  const measuredLook = () => job(look, (pending) => (pending === 0 ? 'succeeded' : 'incomplete'));
  const run = async () => {
    while (!stopping.signal.aborted) {
      await measuredLook().catch((error) =>
        parts.log.error({ err: error }, 'pending payments cannot be read'),
      );
      await wait(lookEvery, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
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
