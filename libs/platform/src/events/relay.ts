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
  /** Resolves when the reader has all events. `signal` aborts a delivery that a stop does not wait for any longer. */
  deliver: (events: DomainEvent[], signal: AbortSignal) => Promise<unknown>;
  log: Logger;
  metrics: Metrics;
  tracing: Pick<Tracing, 'background'>;
  /** Milliseconds between two looks into an outbox that has nothing to deliver. */
  pollEvery?: number;
  /** Milliseconds before an event that its reader refuses is tried again. */
  retryRefusedAfter?: number;
};

/** Events looked at, and delivered together, at a time. */
const batchSize = 100;
/** Delays after failures in a row; milliseconds. */
const delays = { base: 200, max: 10_000 };
/** Milliseconds that a stop waits for a delivery in flight. */
const stopWithin = 1_000;

/**
 * Delivers the events of an outbox for as long as the service runs: each at least once, in order. What is not
 * delivered when the service stops stays in the outbox. The reader knows repetitions by the event's id.
 *
 * @example
 * registerRelay(app, {
 *   outbox: store.outbox,
 *   deliver: (events) => reporting.deliverEvents({ body: { events } }),
 *   log,
 *   metrics,
 *   tracing,
 * });
 */
export function registerRelay(app: App, options: RelayOptions): void {
  const { pollEvery = 500 } = options;
  /** Ends the relay: no further delivery begins. */
  const stopping = new AbortController();
  /** Ends the delivery in flight. */
  const aborting = new AbortController();
  /** Ends the pause between two looks. One that comes before the pause begins is not forgotten. */
  let nudged = new AbortController();
  let running: Promise<void> | undefined;

  options.outbox.onAdded(() => nudged.abort());
  const pause = async () => {
    await wait(pollEvery, undefined, { signal: nudged.signal, ref: false }).catch(() => undefined);
    nudged = new AbortController();
  };
  app.addHook('onReady', async () => {
    running = run(options, { stopping: stopping.signal, aborting: aborting.signal }, pause);
  });
  // In onClose requests have finished: what the last of them wrote had its chance, too.
  app.addHook('onClose', async () => {
    stopping.abort();
    nudged.abort();
    await Promise.race([running, wait(stopWithin, undefined, { ref: false })]);
    aborting.abort();
  });
}

type Signals = Record<'stopping' | 'aborting', AbortSignal>;

async function run(options: RelayOptions, signals: Signals, pause: () => Promise<void>): Promise<void> {
  const { outbox, log, retryRefusedAfter = 60_000 } = options;
  const measured = createRelayMetrics(options.metrics, outbox);
  /** Events that the reader refuses, by id, and when each is tried again. */
  const held = new Map<string, number>();
  let failures = 0;
  const { stopping, aborting } = signals;
  while (!stopping.aborted) {
    try {
      await measured.count();
      const pending = await outbox.pending(batchSize);
      forget(pending);
      if (pending.length === 0) measured.isEmpty();
      const events = pending.filter(({ id }) => isDue(held.get(id)));
      await send(events);
      failures = 0;
      if (events.length === 0) await pause();
    } catch (error) {
      if (stopping.aborted) return;
      const ms = backoff(failures, delays);
      failures += 1;
      measured.deliveries.failed.inc();
      log.warn({ ...causeOf(error), failures, retryInMs: Math.round(ms) }, 'events not delivered');
      await wait(ms, undefined, { signal: stopping, ref: false }).catch(() => undefined);
    }
  }

  async function send(events: DomainEvent[]): Promise<void> {
    const [first, second] = events;
    if (!first) return;
    try {
      await deliver(events);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (!second) return hold(first, error);
      // Something in the batch is refused. One by one only that waits, and the rest overtakes it.
      for (const event of events) await send([event]);
      return;
    }
    measured.deliveries.delivered.inc();
  }

  /** A delivery is a trace of its own, linked to those of its events: they may come from many requests. */
  function deliver(events: DomainEvent[]): Promise<void> {
    return options.tracing.background('deliver events', originsOf(events), async (span) => {
      span?.setAttribute('events', events.length);
      await options.deliver(events, aborting);
      await outbox.delivered(events.map(({ id }) => id));
    });
  }

  /** Lets go of held events that are not in the outbox any more: another replica may have delivered them. */
  function forget(pending: DomainEvent[]): void {
    const ids = new Set(pending.map(({ id }) => id));
    for (const id of held.keys()) if (!ids.has(id)) held.delete(id);
  }

  function hold({ id, type }: DomainEvent, error: Problem): void {
    held.set(id, performance.now() + retryRefusedAfter);
    measured.deliveries.refused.inc();
    log.error({ err: error, event: id, type, retryInMs: retryRefusedAfter }, 'event refused by its reader');
  }
}

/** Most traces that a delivery is linked to. */
const mostLinks = 32;

/** The recorded traces that events were born in. */
function originsOf(events: DomainEvent[]): SpanContext[] {
  const origins = new Map<string, SpanContext>();
  for (const { trace } of events) {
    const origin = readTraceparent(trace);
    if (origin && isSampled(origin) && origins.size < mostLinks) origins.set(origin.traceId, origin);
  }
  return [...origins.values()];
}

/** A reader that is away is no bug: its problem says all, and says it often. */
function causeOf(error: unknown): object {
  return error instanceof Problem ? { code: error.code, reason: error.message } : { err: error };
}

function isDue(at = 0): boolean {
  return at <= performance.now();
}

/**
 * Whether the reader finds fault with what was sent. Other answers, such as 401 or 404, say that the two do
 * not understand each other at all; then all events wait.
 */
function isRefusal(error: unknown): error is Problem {
  return error instanceof Problem && [400, 413, 422].includes(error.status);
}
