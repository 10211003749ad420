import { type Context, context, createContextKey, type Span, type Tracer, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { CallShare } from './call-share.ts';
import type { SpanRecord } from './span-record.ts';

/** The facts that a service knows about a request while it serves it. The active span is in OpenTelemetry's own context. */
export type RequestContext = {
  /** Identifies all requests with the same cause; the caller's `x-correlation-id` or a new one. */
  correlationId: string;
  /** The span of the request. It exists for every request, and records nothing if the trace is not sampled. */
  span: Span;
  /** The trace context in the caller's headers. */
  caller: Context;
  /** Makes the spans below that of the request; absent without an exporter. */
  tracer: Tracer | undefined;
  /** The spans below that of the request, recorded for the console; absent if it stores no trace. */
  spans?: SpanRecord[] | undefined;
  /** Has the trace stored because an administrator sent the request; absent in services that only other services call. */
  storeForAdministrator?: ((request: RequestContext) => void) | undefined;
  /** Whether the trace is stored for that reason. */
  isAdministrators?: boolean;
  /** When the client stops waiting, on the clock of `performance.now()`, because the system clock may be set. */
  deadline: number;
  /** When the request was received, on the same clock. */
  startedAt: number;
  /** When the last byte of the body was read, infinite until then; `startedAt` without a body. */
  completeAt: number;
  /** Minimum milliseconds from `completeAt` to the deadline: if fewer, the client is responsible for being late. */
  fairTime: number;
  /** The client and priority of calls that are made for the request; absent if all clients are one. */
  share?: CallShare;
  /** The code of the problem that the request is answered with. */
  problem: string | undefined;
  /** The status that counts instead of the one that was sent, because the response broke off after its head. */
  brokenStatus?: number;
  /** Ends the observation of a request whose response is a stream without an end, with the status that was sent. */
  endObservation?: (status: number) => void;
};

// Registered here and not by the SDK, which only runs with an exporter: log lines and deadlines need it always.
context.setGlobalContextManager(new AsyncLocalStorageContextManager());

const requestKey = createContextKey('slipway.request');
/** The API's key of the active span, which it does not export. */
const spanKey = createContextKey('OpenTelemetry Context Key SPAN');

/**
 * A request and its span as OpenTelemetry's context. Two calls of the API's `setValue` would do the same, but copy two
 * maps for each request.
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

/** Returns the context of the current request; `undefined` outside of any. */
export function currentContext(): RequestContext | undefined {
  return requestIn(context.active());
}

/** Returns the request that a context of OpenTelemetry belongs to. */
export function requestIn(active: Context): RequestContext | undefined {
  return active.getValue(requestKey) as RequestContext | undefined;
}

/** Runs `work` as part of a request, with the request's span as the active one. */
export function withContext<T>(request: RequestContext, work: () => T): T {
  return context.with(new RequestScope(request), work);
}

/**
 * Runs work whose result other requests wait for, too: in the trace of the current request, but without its deadline and
 * its share of the calls, so that one client cannot make it fail for all.
 *
 * @example
 * reading ??= runShared(readKeySet);
 */
export function runShared<T>(work: () => T): T {
  const request = currentContext();
  if (!request) return work();
  const { share: _, ...others } = request;
  return withContext({ ...others, deadline: Number.POSITIVE_INFINITY }, work);
}

/**
 * Returns whether the client left too little time for a response, by its own deadline or by sending its body slowly.
 *
 * @param hasArrived whether the whole body has arrived; if so, it does not count as slow, even if it was not read
 */
export function clientLeftTooLittle(request: RequestContext, hasArrived: boolean): boolean {
  const { deadline, startedAt, completeAt, fairTime } = request;
  const from = hasArrived && completeAt === Number.POSITIVE_INFINITY ? startedAt : completeAt;
  return Math.round(deadline - from) < fairTime;
}

/**
 * Returns the milliseconds that are left for the current request, at most `max`.
 *
 * @example
 * const timeout = timeLeft(2_000); // 2000 outside of a request
 */
export function timeLeft(max: number, now = performance.now()): number {
  const deadline = currentContext()?.deadline;
  return deadline === undefined ? max : Math.max(0, Math.min(max, deadline - now));
}
