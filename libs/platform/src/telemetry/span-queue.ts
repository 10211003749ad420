import type { Span } from './span.ts';

/** Sends spans to a collector. */
export type SpanExporter = {
  /** Resolves when the collector has the spans. `signal` aborts when that takes too long. */
  send(spans: Span[], signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
};

export const dropReasons = ['queue_full', 'export_failed'] as const;
export type DropReason = (typeof dropReasons)[number];

type QueueOptions = {
  /** Most spans that wait; what comes when so many do is dropped. */
  size: number;
  /** Most spans that are sent together. */
  batch: number;
  /** Milliseconds that a span waits for others at most. */
  delay: number;
  /** Milliseconds after which a collector that does not answer is given up. */
  timeout: number;
  /** Milliseconds in which the spans of a stop are sent. */
  closeWithin: number;
  onSent(count: number): void;
  onDropped(count: number, reason: DropReason, error?: unknown): void;
};

export type SpanQueue = {
  add(span: Span): void;
  /** Sends what waits, for a bounded time. Never rejects. */
  close(): Promise<void>;
};

/**
 * Holds spans back to send them together, one batch at a time. However slow or dead the collector is, `size` and
 * one batch are all that is kept: telemetry is given up before the service is.
 */
export function createSpanQueue(exporter: SpanExporter, options: QueueOptions): SpanQueue {
  const { size, batch, delay, timeout, closeWithin, onSent, onDropped } = options;
  let waiting: Span[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let closing = false;
  /** Gives up whatever is not sent when the time of a stop is over. */
  const giveUp = new AbortController();

  function add(span: Span): void {
    if (waiting.length >= size) {
      onDropped(1, 'queue_full');
      return;
    }
    waiting.push(span);
    if (waiting.length >= batch) startSending();
    else timer ??= setTimeout(startSending, delay).unref();
  }

  function startSending(): void {
    sending ??= sendAll().finally(() => {
      sending = undefined;
      // What came while the last batch was on its way waits for its own time.
      if (waiting.length > 0) timer ??= setTimeout(startSending, delay).unref();
    });
  }

  /** Sends full batches, and the rest that has waited long enough. */
  async function sendAll(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    do {
      const spans = waiting.slice(0, batch);
      waiting = waiting.slice(batch);
      await send(spans);
    } while (waiting.length >= batch || (closing && waiting.length > 0));
  }

  async function send(spans: Span[]): Promise<void> {
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(timeout), giveUp.signal]);
      signal.throwIfAborted();
      await exporter.send(spans, signal);
      onSent(spans.length);
    } catch (error) {
      onDropped(spans.length, 'export_failed', error);
    }
  }

  return {
    add,
    async close() {
      closing = true;
      const timer = setTimeout(() => giveUp.abort(new Error('The service stops')), closeWithin).unref();
      // A second time for what came during the last batch.
      for (let round = 0; round < 2 && (sending || waiting.length > 0); round += 1) {
        startSending();
        await sending;
      }
      clearTimeout(timer);
      await exporter.close().catch(() => undefined);
    },
  };
}
