import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type Context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { fairTime } from '../core/fair-time.ts';
import { type RequestContext, withContext } from '../core/request-context.ts';
import { endSpan, failSpan, inSpan, isSampled, makeSpan, type SpanFacts } from './spans.ts';
import { callerTimeout, createPropagator } from './trace-context.ts';
import type { TracingOptions } from './tracing-settings.ts';

export type Tracing = {
  /** Makes the context of an incoming request from its headers, and starts its span. */
  accept(headers: IncomingHttpHeaders, facts: RequestStart): RequestContext;
  /** Ends the span of a request, and returns whether it is recorded. */
  finish(context: RequestContext, end: RequestEnd): boolean;
  /** Runs work that no request has asked for as a trace of its own, linked to those that it continues. */
  background<T>(name: string, links: SpanContext[], work: (span?: Span) => Promise<T>): Promise<T>;
  /** Exports what is still held back. Never rejects: telemetry must not fail a stop. */
  shutdown(): Promise<void>;
};

export type RequestStart = {
  method: string;
  route: string;
  correlationId: string;
  timeout: number;
  /** On the clock of `performance.now()`. */
  startedAt: number;
};
export type RequestEnd = Pick<RequestStart, 'method' | 'route' | 'startedAt'> & {
  status: number;
  ms: number;
};

/** Spans a second that are recorded for unsampled requests, so that a service that fails every one is no flood. */
const latePerSecond = 10;
/** Milliseconds that a stop waits for a collector that does not answer. */
const stopWithin = 2_000;

/** Makes the tracing of a service. OpenTelemetry's SDK is loaded only if the settings name an exporter. */
export async function createTracing(options: TracingOptions): Promise<Tracing> {
  const { settings } = options;
  propagation.disable();
  propagation.setGlobalPropagator(createPropagator(settings.OTEL_PROPAGATORS));
  const isOff = settings.OTEL_TRACES_EXPORTER === 'none' || settings.OTEL_SDK_DISABLED;
  const sdk = isOff ? undefined : (await import('./sdk.ts')).startSdk(options);
  const { OTEL_TRACES_SAMPLER: sampler, TRACE_SLOW_MS: slowMs } = settings;
  const mayRecordLate = sampler.endsWith('always_off') ? () => false : allowance(latePerSecond);
  const factsOf = requestFacts();

  function start(facts: SpanFacts, parent: Context, startedAt?: number): Span {
    return sdk ? makeSpan(sdk.tracer, facts, parent, startedAt) : idsOnly(parent);
  }

  function accept(headers: IncomingHttpHeaders, request: RequestStart): RequestContext {
    const { method, route, correlationId, timeout, startedAt } = request;
    const caller = propagation.extract(ROOT_CONTEXT, headers);
    return {
      correlationId,
      span: start(factsOf(method, route), caller, startedAt),
      caller,
      tracer: sdk?.tracer,
      deadline: startedAt + Math.min(timeout, callerTimeout(headers)),
      completeAt: startedAt,
      fairTime: fairTime(timeout),
      problem: undefined,
    };
  }

  function finish(request: RequestContext, end: RequestEnd): boolean {
    const span = request.span.isRecording() ? request.span : lateSpan(request, end);
    if (!span) return false;
    describe(span, end.status, request.problem);
    endSpan(span);
    return true;
  }

  /** The span of an unsampled request that failed or was slow. It has nothing below it: nothing was recorded. */
  function lateSpan({ span, caller }: RequestContext, { method, route, status, ms, startedAt }: RequestEnd) {
    if (status < 500 && ms < slowMs) return undefined;
    if (!sdk || !mayRecordLate()) return undefined;
    const late = sdk.withIds(span.spanContext(), () => start(factsOf(method, route), caller, startedAt));
    return late.setAttribute('sampling.reason', status < 500 ? 'slow' : 'error');
  }

  function background<T>(name: string, links: SpanContext[], work: (span?: Span) => Promise<T>): Promise<T> {
    const span = start({ name, kind: 'internal', links }, ROOT_CONTEXT);
    const request: RequestContext = {
      correlationId: randomUUID(),
      span,
      caller: ROOT_CONTEXT,
      tracer: sdk?.tracer,
      deadline: Number.POSITIVE_INFINITY,
      completeAt: performance.now(),
      fairTime: 0,
      problem: undefined,
    };
    return withContext(request, () => (isSampled(span.spanContext()) ? inSpan(span, work) : work()));
  }

  async function shutdown(): Promise<void> {
    await Promise.race([sdk?.shutdown(), wait(stopWithin, undefined, { ref: false })]).catch(() => undefined);
  }

  return { accept, finish, background, shutdown };
}

/** A span without an exporter: the caller's, which the next service goes on from, or one that only has ids. */
function idsOnly(parent: Context): Span {
  const ids = trace.getSpanContext(parent) ?? newIds();
  // Only this flag: the SDK writes a flag of a later version as an invalid header.
  return trace.wrapSpanContext({ ...ids, traceFlags: ids.traceFlags & TraceFlags.SAMPLED });
}

function newIds(): SpanContext {
  const [traceId, spanId] = [randomUUID().replaceAll('-', ''), randomUUID().replaceAll('-', '').slice(16)];
  return { traceId, spanId, traceFlags: TraceFlags.NONE };
}

/** Caches what is the same for all spans of a route; there are as many as routes and methods. */
function requestFacts(): (method: string, route: string) => SpanFacts {
  const known = new Map<string, SpanFacts>();
  return (method, route) => {
    const name = `${method} ${route}`;
    const facts = known.get(name) ?? {
      name,
      kind: 'server',
      attributes: { 'http.request.method': method, 'http.route': route },
    };
    known.set(name, facts);
    return facts;
  };
}

/** A 4xx is the client's error, and no failure of the service. */
function describe(span: Span, status: number, problem: string | undefined): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 500) failSpan(span, problem ?? String(status));
  else if (problem) span.setAttribute('error.type', problem);
}

/** Says yes so many times in each second. */
function allowance(perSecond: number): () => boolean {
  let second = -1;
  let left = 0;
  return () => {
    const now = Math.floor(performance.now() / 1_000);
    if (now !== second) left = perSecond;
    second = now;
    left -= 1;
    return left >= 0;
  };
}
