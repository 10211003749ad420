import { randomFillSync, randomUUID } from 'node:crypto';
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
  /** Creates the context of an incoming request from its headers, and starts its span. */
  accept(headers: IncomingHttpHeaders, facts: RequestStart): RequestContext;
  /** Ends the span of a request, and returns whether it is recorded. */
  finish(context: RequestContext, end: RequestEnd): boolean;
  /** Runs work that does not belong to a request in a new trace, linked to the given span contexts. */
  background<T>(name: string, links: SpanContext[], work: (span?: Span) => Promise<T>): Promise<T>;
  /** Exports queued spans, for at most `stopWithin`. Never rejects, because telemetry must not make a shutdown fail. */
  shutdown(): Promise<void>;
};

export type RequestStart = {
  method: string;
  route: string;
  correlationId: string;
  timeout: number;
  /** A time of `performance.now()`. */
  startedAt: number;
};
export type RequestEnd = Pick<RequestStart, 'method' | 'route' | 'startedAt'> & {
  status: number;
  ms: number;
};

/**
 * Maximum number of unsampled requests per second whose spans are recorded because they failed or were slow. Without
 * this limit, a service that fails every request would flood the collector.
 */
const latePerSecond = 10;
/** Maximum time in milliseconds that a shutdown waits for a collector that does not respond. */
const stopWithin = 2_000;

/** Creates the tracing of a service. OpenTelemetry's SDK is loaded only if spans are exported. */
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
      startedAt,
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

  /**
   * Returns a recorded span for an unsampled request that failed or was slow, if late spans are allowed. The span has
   * no children, because none were recorded.
   */
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
      startedAt: performance.now(),
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

/** Returns a span that is not exported. It has the ids of the caller's span or, without a caller's span, new ids. */
function idsOnly(parent: Context): Span {
  const ids = trace.getSpanContext(parent) ?? newIds();
  // Only the sampled flag: the SDK writes newer trace flags as an invalid header.
  return trace.wrapSpanContext({ ...ids, traceFlags: ids.traceFlags & TraceFlags.SAMPLED });
}

/** The bytes of a trace id and of a span id, as W3C Trace Context defines them. */
const idBytes = { trace: 16, span: 8 };

/** Random bytes for many ids, because asking the system for them costs more than all else that an id needs. */
const random = Buffer.alloc(128 * (idBytes.trace + idBytes.span));
let used = random.length;

function newIds(): SpanContext {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  const spanAt = used + idBytes.trace;
  const traceId = random.toString('hex', used, spanAt);
  used = spanAt + idBytes.span;
  return { traceId, spanId: random.toString('hex', spanAt, used), traceFlags: TraceFlags.NONE };
}

/** Caches the span options that are the same for all requests with a route and method, for the life of the process. */
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

/** Adds the response to a span. Only a 5xx marks the span as failed: a 4xx is an error of the client. */
function describe(span: Span, status: number, problem: string | undefined): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 500) failSpan(span, problem ?? String(status));
  else if (problem) span.setAttribute('error.type', problem);
}

/** Creates a function that returns true at most `perSecond` times in each second. */
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
