import { AsyncLocalStorage } from 'node:async_hooks';
import type { Span, SpanRecorder } from '../telemetry/span.ts';
import type { Propagator } from '../telemetry/trace-ids.ts';

/** What travels with one request through a service, and on to the services it calls. */
export type RequestContext = {
  /** Names the whole journey; the caller's `x-correlation-id` or a new one. */
  correlationId: string;
  /** 32 hex digits, W3C trace context. */
  traceId: string;
  /** 16 hex digits: what the next service takes as its parent. Absent while nobody has asked for it. */
  spanId: string | undefined;
  /** The caller's span; absent where the trace begins. */
  parentId: string | undefined;
  sampled: boolean;
  /** Other tracing systems' part of the trace context, handed on as it came. */
  tracestate: string | undefined;
  /** The kinds of headers in which calls carry the trace on. */
  propagators: readonly Propagator[];
  /** When nobody waits for the answer any more, on the clock of `performance.now()`: the wall's may jump. */
  deadline: number;
  /** Makes this service's spans; absent when no exporter is on. */
  recorder: SpanRecorder | undefined;
  /** The span that is open; absent when the trace is not sampled. */
  span: Span | undefined;
  /** The code of the problem that the request is answered with. */
  problem: string | undefined;
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
export function timeLeft(most: number, now = performance.now()): number {
  const deadline = currentContext()?.deadline;
  return deadline === undefined ? most : Math.max(0, Math.min(most, deadline - now));
}
