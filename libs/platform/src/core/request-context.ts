import { type Context, context, createContextKey, type Span, type Tracer, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { CallShare } from './call-share.ts';

/** The facts that a service knows about a request while it serves it. The active span is in OpenTelemetry's own context. */
export type RequestContext = {
  /** Names the whole journey; the caller's `x-correlation-id` or a new one. */
  correlationId: string;
  /** The span of the request. It exists for every request, and records nothing if the trace is not sampled. */
  span: Span;
  /** The caller's part of the trace, as its headers say. */
  caller: Context;
  /** Makes the spans below that of the request; absent without an exporter. */
  tracer: Tracer | undefined;
  /** When nobody waits for the response any more, on the clock of `performance.now()`: the wall's may jump. */
  deadline: number;
  /** When the request was received, on the same clock. */
  startedAt: number;
  /** When the last byte of its body was read; infinite until then, and if nothing reads it. */
  completeAt: number;
  /** Least time in milliseconds from then to the deadline: if it is less, the client is responsible for being late. */
  fairTime: number;
  /** On whose behalf calls to other services are made while it is handled; absent if clients are not told apart. */
  share?: CallShare;
  /** The code of the problem that the request is answered with. */
  problem: string | undefined;
};

// Registered here and not by the SDK, which only runs with an exporter: log lines and deadlines need it always.
context.setGlobalContextManager(new AsyncLocalStorageContextManager());

const requestKey = createContextKey('slipway.request');
/** The API's key of the active span, which it does not export. */
const spanKey = createContextKey('OpenTelemetry Context Key SPAN');

/**
 * A request and its span as OpenTelemetry's context. Two calls of the API's `setValue` would do, at the price of two
 * copied maps for every request.
 */
class RequestScope implements Context {
  readonly #request: RequestContext;

  constructor(request: RequestContext) {
    this.#request = request;
  }

  getValue(key: symbol): unknown {
    if (key === requestKey) return this.#request;
    return key === spanKey ? this.#request.span : this.#request.caller.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return this.#copy().setValue(key, value);
  }

  deleteValue(key: symbol): Context {
    return this.#copy().deleteValue(key);
  }

  #copy(): Context {
    return trace.setSpan(this.#request.caller, this.#request.span).setValue(requestKey, this.#request);
  }
}

/** The request that the running code serves; `undefined` outside of any. */
export function currentContext(): RequestContext | undefined {
  return context.active().getValue(requestKey) as RequestContext | undefined;
}

/** Runs `work` as part of a request, with the request's span as the active one. */
export function withContext<T>(request: RequestContext, work: () => T): T {
  return context.with(new RequestScope(request), work);
}

/**
 * Returns whether the client left too little time for a response, by its own deadline or by sending its body slowly.
 *
 * @param hasArrived whether the whole body has arrived: a body that was not read then is no reason to be late
 */
export function clientLeftTooLittle(request: RequestContext, hasArrived: boolean): boolean {
  const { deadline, startedAt, completeAt, fairTime } = request;
  const from = hasArrived && completeAt === Number.POSITIVE_INFINITY ? startedAt : completeAt;
  return Math.round(deadline - from) < fairTime;
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
