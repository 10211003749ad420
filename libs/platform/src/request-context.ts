import { AsyncLocalStorage } from 'node:async_hooks';
import type { Span } from '@opentelemetry/api';

/** What travels with one request through a service, and on to the services it calls. */
export type RequestContext = {
  /** Names the whole journey; the caller's `x-correlation-id` or a new one. */
  correlationId: string;
  /** 32 hex digits, W3C trace context. */
  traceId: string;
  /** 16 hex digits: the caller's span for the request's own span, then the latter's id. */
  spanId: string;
  sampled: boolean;
  /** Milliseconds since the epoch after which nobody waits for the answer any more. */
  deadline: number;
  /** The recorded span; absent when the trace is not sampled. */
  span?: Span;
};

const storage = new AsyncLocalStorage<RequestContext>();

/** The context of the request that the running code serves; `undefined` outside of any. */
export function currentContext(): RequestContext | undefined {
  return storage.getStore();
}

/** Runs `work` as part of the request that `context` describes. */
export function withContext<T>(context: RequestContext, work: () => T): T {
  return storage.run(context, work);
}

/**
 * Milliseconds that are left for the request being served, at most `most`.
 *
 * @example
 * const timeout = timeLeft(2_000); // 2000 outside of a request
 */
export function timeLeft(most: number, now = Date.now()): number {
  const deadline = currentContext()?.deadline;
  return deadline === undefined ? most : Math.max(0, Math.min(most, deadline - now));
}
