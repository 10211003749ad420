import { setTimeout as wait } from 'node:timers/promises';
import type { SpanContext } from '@opentelemetry/api';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { Problem } from '@slipway/contract-kit/problem';
import type { App } from '../core/app.ts';
import { backoff } from '../core/backoff.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { isSampled } from '../telemetry/spans.ts';
import { readTraceparent } from '../telemetry/trace-context.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { OutboxStore } from './outbox.ts';
import { createRelayMetrics } from './relay-metrics.ts';

type RelayOptions = {
  outbox: OutboxStore;
  /** Resolves when the reader has all events. `signal` aborts a delivery that outlasts the shutdown. */
  deliver: (events: DomainEvent[], signal: AbortSignal) => Promise<unknown>;
  log: Logger;
  metrics: Metrics;
  tracing: Pick<Tracing, 'background'>;
  /** Poll interval of an outbox that has nothing to deliver; milliseconds. */
  pollInterval?: number;
  /** Milliseconds before an event that its reader rejected is delivered again. */
  retryRejectedAfter?: number;
  /** Milliseconds for which a reader may be unreachable, as it is while it starts, before this is a warning. */
  warnAfter?: number;
};

/** Maximum number of events that are read, and delivered together. */
const batchSize = 100;
/** Delays after consecutive failures; milliseconds. */
const delays = { base: 200, max: 10_000 };
/** Milliseconds that a stop waits for a delivery in flight. */
const stopWithin = 1_000;

/**
 * Delivers an outbox's events while the service runs: at least once, in order except for rejected ones. Events
 * not delivered when the service stops remain in the outbox. The reader recognizes duplicates by id.
 *
 * @example
 * registerRelay(app, {
 *   outbox: store.outbox,
 *   deliver: deliverTo(reporting, settings.SERVICE_TOKEN),
 *   log,
 *   metrics,
 *   tracing,
 * });
 */
export function registerRelay(app: App, options: RelayOptions): void {
  const { pollInterval = 500 } = options;
  /** Ends the relay: no further batch is read. */
  const stopping = new AbortController();
  /** Ends the delivery in flight. */
  const aborting = new AbortController();
  /** Ends the pause between two polls, even if it is aborted before the pause begins. */
  let wakeUp = new AbortController();
  let running: Promise<void> | undefined;

  options.outbox.onAdded(() => wakeUp.abort());
  const pause = async () => {
    await wait(pollInterval, undefined, { signal: wakeUp.signal, ref: false }).catch(() => undefined);
    wakeUp = new AbortController();
  };
  app.addHook('onReady', async () => {
    running = run(options, { stopping: stopping.signal, aborting: aborting.signal }, pause);
  });
  // onClose runs after all requests have ended: until then, the relay delivers their events.
  app.addHook('onClose', async () => {
    stopping.abort();
    wakeUp.abort();
    await Promise.race([running, wait(stopWithin, undefined, { ref: false })]);
    aborting.abort();
  });
}

type Signals = Record<'stopping' | 'aborting', AbortSignal>;

async function run(options: RelayOptions, signals: Signals, pause: () => Promise<void>): Promise<void> {
  const { outbox, log, retryRejectedAfter = 60_000, warnAfter = 10_000 } = options;
  const measured = createRelayMetrics(options.metrics, outbox);
  /** Events that the reader rejected, by id, and when each is delivered again. */
  const held = new Map<string, number>();
  let failures = 0;
  let failingSince = 0;
  const { stopping, aborting } = signals;
  while (!stopping.aborted) {
    try {
      await measured.count();
      const pending = await outbox.pending(batchSize);
      releaseMissing(pending);
      if (pending.length === 0) measured.setEmpty();
      const events = pending.filter(({ id }) => isDue(held.get(id)));
      await send(events);
      failures = 0;
      // No pause after a full batch.
      if (pending.length < batchSize || events.length === 0) await pause();
    } catch (error) {
      if (stopping.aborted) return;
      if (failures === 0) failingSince = performance.now();
      const ms = backoff(failures, delays);
      failures += 1;
      measured.deliveries.failed.inc();
      const isExpected = isUnreachable(error) && performance.now() - failingSince < warnAfter;
      const details = { ...causeOf(error), failures, retryInMs: Math.round(ms) };
      log[isExpected ? 'info' : 'warn'](details, 'events not delivered');
      await wait(ms, undefined, { signal: stopping, ref: false }).catch(() => undefined);
    }
  }

  async function send(events: DomainEvent[]): Promise<void> {
    const [first, second] = events;
    if (!first) return;
    try {
      await deliver(events);
    } catch (error) {
      if (!isRejection(error)) throw error;
      if (!second) return hold(first, error);
      // An event of the batch was rejected. Delivered one by one, only that one waits and the others overtake it.
      for (const event of events) await send([event]);
      return;
    }
    measured.deliveries.delivered.inc();
  }

  /** Delivers events in a trace of their own, linked to the traces of the requests that caused them. */
  function deliver(events: DomainEvent[]): Promise<void> {
    return options.tracing.background('deliver events', originsOf(events), async (span) => {
      span?.setAttribute('events', events.length);
      await options.deliver(events, aborting);
      await outbox.delivered(events.map(({ id }) => id));
    });
  }

  /** Releases held events that are not in the outbox any more: another replica may have delivered them. */
  function releaseMissing(pending: DomainEvent[]): void {
    const ids = new Set(pending.map(({ id }) => id));
    for (const id of held.keys()) if (!ids.has(id)) held.delete(id);
  }

  function hold({ id, type }: DomainEvent, error: Problem): void {
    held.set(id, performance.now() + retryRejectedAfter);
    measured.deliveries.rejected.inc();
    log.error({ err: error, event: id, type, retryInMs: retryRejectedAfter }, 'event rejected by its reader');
  }
}

/** Maximum number of traces that a delivery is linked to. */
const maxLinks = 32;

/** Returns the recorded traces in which events were made. */
function originsOf(events: DomainEvent[]): SpanContext[] {
  const origins = new Map<string, SpanContext>();
  for (const { trace } of events) {
    const origin = readTraceparent(trace);
    if (origin && isSampled(origin) && origins.size < maxLinks) origins.set(origin.traceId, origin);
  }
  return [...origins.values()];
}

/** Returns what to log of a failure: no stack for a `Problem`, such as an unreachable reader, which is no bug. */
function causeOf(error: unknown): object {
  return error instanceof Problem ? { code: error.code, reason: error.message } : { err: error };
}

/** Returns whether the reader, or its store, is unreachable. For a short time this is no fault: it may be starting. */
function isUnreachable(error: unknown): boolean {
  return error instanceof Problem && error.code === 'unavailable';
}

function isDue(at = 0): boolean {
  return at <= performance.now();
}

/**
 * Returns whether the reader rejected what was sent. Other errors, such as 401 or 404, concern all events, so that all of
 * them wait.
 */
function isRejection(error: unknown): error is Problem {
  return error instanceof Problem && [400, 413, 422].includes(error.status);
}
