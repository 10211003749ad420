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
import type { SourceFile } from '../core/span-record.ts';
import { newSpanId, newTraceId } from './ids.ts';
import { endSpan, failSpan, inSpan, isSampled, makeSpan, type SpanFacts } from './spans.ts';
import { otherTraces, spansOfRequest } from './stored-spans.ts';
import { callerTimeout, createPropagator } from './trace-context.ts';
import { type TraceReason, TraceRing } from './trace-ring.ts';
import type { TracingOptions } from './tracing-settings.ts';

export type Tracing = {
  /** The last traces of requests that failed, were slow, or were sent by an administrator. */
  traces: TraceRing;
  /** Records which source file defines a route. */
  defineRoute(method: string, route: string, file: SourceFile): void;
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
  const { service, isPublic, settings } = options;
  propagation.disable();
  propagation.setGlobalPropagator(createPropagator(settings.OTEL_PROPAGATORS));
  const isOff = settings.OTEL_TRACES_EXPORTER === 'none' || settings.OTEL_SDK_DISABLED;
  const sdk = isOff ? undefined : (await import('./sdk.ts')).startSdk(options);
  const { OTEL_TRACES_SAMPLER: sampler, TRACE_SLOW_MS: slowMs } = settings;
  const isNever = sampler.endsWith('always_off') || settings.OTEL_SDK_DISABLED;
  const mayRecordLate = isNever ? () => false : allowance(latePerSecond);
  const { factsOf, defineRoute } = requestFacts();
  const traces = new TraceRing();
  // B3's debug flag is sent on whatever the sampler decides.
  const ofCaller =
    isPublic && settings.OTEL_PROPAGATORS.includes('b3') ? withoutDebug : (all: Context) => all;

  function start(facts: SpanFacts, parent: Context, startedAt?: number): Span {
    return sdk ? makeSpan(sdk.tracer, facts, parent, startedAt) : idsOnly(parent, isPublic);
  }

  function accept(headers: IncomingHttpHeaders, request: RequestStart): RequestContext {
    const { method, route, correlationId, timeout, startedAt } = request;
    const caller = ofCaller(propagation.extract(ROOT_CONTEXT, headers));
    return {
      correlationId,
      span: start(factsOf(method, route), caller, startedAt),
      caller,
      tracer: sdk?.tracer,
      spans: isNever ? undefined : [],
      storeForAdministrator: isPublic && !isNever ? storeForAdministrator : undefined,
      deadline: startedAt + Math.min(timeout, callerTimeout(headers)),
      startedAt,
      completeAt: startedAt,
      fairTime: fairTime(timeout),
      problem: undefined,
    };
  }

  /** Without an exporter, the sampled flag asks the services that are called to store their part of the trace, too. */
  function storeForAdministrator(request: RequestContext): void {
    request.isAdministrators = true;
    const ids = request.span.spanContext();
    if (!sdk) request.span = trace.wrapSpanContext({ ...ids, traceFlags: TraceFlags.SAMPLED });
  }

  function finish(request: RequestContext, end: RequestEnd): boolean {
    const { span } = request;
    const trouble = troubleOf(end);
    const isWanted = isSampled(span.spanContext());
    const isLate = trouble !== undefined && !isWanted && mayRecordLate();
    const exported = span.isRecording() ? span : isLate ? lateSpan(request, end) : undefined;
    if (exported) {
      describe(exported, end.status, request.problem);
      endSpan(exported);
    }
    if (request.spans) store(request, end, exported !== undefined, isWanted || isLate ? trouble : undefined);
    return exported !== undefined;
  }

  function troubleOf({ status, ms }: RequestEnd) {
    if (status >= 500) return 'failed';
    return ms >= slowMs ? 'slow' : undefined;
  }

  /** Stores the spans of a request, if there is a reason to. */
  function store(request: RequestContext, end: RequestEnd, isExported: boolean, trouble?: TraceReason): void {
    const { span, spans, isAdministrators } = request;
    const ids = span.spanContext();
    const sampled = !isPublic && isSampled(ids) ? 'sampled' : undefined;
    const reason = trouble ?? (isAdministrators ? 'administrator' : sampled);
    if (reason) {
      const { name, file } = factsOf(end.method, end.route);
      const stored = spansOfRequest(request, { ...end, name, service, file });
      traces.add({ traceId: ids.traceId, reason, isExported, spans: stored });
    }
    if (spans?.length) for (const each of otherTraces(request, service, sdk !== undefined)) traces.add(each);
    // A response that goes on, such as a stream, is recorded no further.
    request.spans = undefined;
  }

  /**
   * Returns a recorded span for an unsampled request that failed or was slow. The span has no children, because none were
   * exported.
   */
  function lateSpan({ span, caller }: RequestContext, { method, route, status, startedAt }: RequestEnd) {
    const late = sdk?.withIds(span.spanContext(), () => start(factsOf(method, route), caller, startedAt));
    return late?.setAttribute('sampling.reason', status < 500 ? 'slow' : 'error');
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

  return { traces, defineRoute, accept, finish, background, shutdown };
}

/**
 * Returns a span that is not exported. It has the ids of the caller's span or, without a caller's span, new ids. In a public
 * service, the caller decides only on the trace id: its sampled flag would make all services store the trace.
 */
function idsOnly(parent: Context, isPublic = false): Span {
  const ids = trace.getSpanContext(parent) ?? newIds();
  if (isPublic) return trace.wrapSpanContext({ ...ids, spanId: newSpanId(), traceFlags: TraceFlags.NONE });
  // Only the sampled flag: the SDK writes newer trace flags as an invalid header.
  return trace.wrapSpanContext({ ...ids, traceFlags: ids.traceFlags & TraceFlags.SAMPLED });
}

/** Returns a context with only the ids and the baggage of another one. */
function withoutDebug(all: Context): Context {
  const [ids, baggage] = [trace.getSpanContext(all), propagation.getBaggage(all)];
  const identified = ids ? trace.setSpanContext(ROOT_CONTEXT, ids) : ROOT_CONTEXT;
  return baggage ? propagation.setBaggage(identified, baggage) : identified;
}

const newIds = (): SpanContext => ({
  traceId: newTraceId(),
  spanId: newSpanId(),
  traceFlags: TraceFlags.NONE,
});

/** Caches the span options that are the same for all requests with a route and method, for the life of the process. */
function requestFacts() {
  const known = new Map<string, SpanFacts>();
  const files = new Map<string, SourceFile>();
  return {
    defineRoute: (method: string, route: string, file: SourceFile) =>
      void files.set(`${method} ${route}`, file),
    factsOf(method: string, route: string): SpanFacts {
      const name = `${method} ${route}`;
      const facts = known.get(name) ?? {
        name,
        kind: 'server',
        attributes: { 'http.request.method': method, 'http.route': route },
        file: files.get(name),
      };
      known.set(name, facts);
      return facts;
    },
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
