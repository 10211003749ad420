import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type RequestContext, withContext } from '../core/request-context.ts';
import { createSampler, type Sampler } from './sampler.ts';
import type { Span, SpanFacts, SpanName, SpanRecorder } from './span.ts';
import { createRecorder, type RecorderOptions } from './span-recorder.ts';
import { inSpan } from './spans.ts';
import { callerTimeout, readCaller, readPropagators } from './trace-context.ts';
import { newSpanId, newTraceId } from './trace-ids.ts';
import type { TracingSettings } from './tracing-settings.ts';

export type Tracing = {
  /** Makes the context of an incoming request from its headers, and starts its span if it is sampled. */
  accept(headers: IncomingHttpHeaders, facts: RequestStart): RequestContext;
  /** Ends the span of a request, and tells whether its trace is recorded. */
  finish(context: RequestContext, end: RequestEnd): boolean;
  /** Runs work that no request has asked for as a trace of its own, linked to those that it continues. */
  background<T>(name: string, links: SpanName[], work: (span?: Span) => Promise<T>): Promise<T>;
  /** Sends what is still held back. Never rejects: telemetry must not fail a stop. */
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

/** Spans a second that are written for requests that were not sampled; a service that fails all is no flood. */
const keptPerSecond = 10;

/**
 * Makes the tracing of a service. What is not sampled costs an id: the decision is made before there is any span.
 */
export async function createTracing(options: RecorderOptions): Promise<Tracing> {
  return tracingWith(await createRecorder(options), options.settings);
}

/** Tracing with a recorder that is already there. */
function tracingWith(recorder: SpanRecorder | undefined, settings: TracingSettings): Tracing {
  const { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: ratio, TRACE_SLOW_MS: slowMs } = settings;
  const isSampled = recorder ? createSampler(name, ratio) : followCaller;
  const propagators = readPropagators(settings.OTEL_PROPAGATORS);
  const mayKeep = name.endsWith('always_off') ? () => false : allowance(keptPerSecond);
  const factsOf = requestFacts();

  function accept(headers: IncomingHttpHeaders, request: RequestStart): RequestContext {
    const caller = readCaller(headers);
    const traceId = caller?.traceId ?? newTraceId();
    const parentId = caller?.spanId;
    const sampled = isSampled(traceId, caller?.sampled);
    const { method, route, startedAt } = request;
    const span = sampled
      ? recorder?.start(factsOf(method, route), { traceId, parentId, startedAt })
      : undefined;
    return {
      correlationId: request.correlationId,
      traceId,
      // Without a recorder there is no span of ours: the next service goes on from the caller's.
      spanId: recorder ? span?.spanId : parentId,
      parentId,
      sampled,
      tracestate: caller?.tracestate,
      propagators,
      deadline: request.startedAt + Math.min(request.timeout, callerTimeout(headers)),
      recorder,
      span,
      problem: undefined,
    };
  }

  function finish(context: RequestContext, end: RequestEnd): boolean {
    const span = context.span ?? lateSpan(context, end);
    if (!span) return false;
    describe(span, end.status, context.problem);
    span.end();
    return true;
  }

  /**
   * A request that was not sampled and turned out to be worth it: its span is made now, with its true start. It has
   * nothing below it, as nothing was recorded.
   */
  function lateSpan(context: RequestContext, { method, route, status, ms, startedAt }: RequestEnd) {
    if (status < 500 && ms < slowMs) return undefined;
    if (!recorder || !mayKeep()) return undefined;
    const { traceId, parentId } = context;
    context.spanId ??= newSpanId();
    const span = recorder.start(factsOf(method, route), {
      traceId,
      spanId: context.spanId,
      parentId,
      startedAt,
    });
    span.setAttribute('sampling.reason', status < 500 ? 'slow' : 'error');
    return span;
  }

  function background<T>(name: string, links: SpanName[], work: (span?: Span) => Promise<T>): Promise<T> {
    const traceId = newTraceId();
    const sampled = isSampled(traceId, undefined);
    const context: RequestContext = {
      correlationId: randomUUID(),
      traceId,
      spanId: undefined,
      parentId: undefined,
      sampled,
      tracestate: undefined,
      propagators,
      deadline: Number.POSITIVE_INFINITY,
      recorder,
      span: undefined,
      problem: undefined,
    };
    if (!sampled || !recorder) return withContext(context, work);
    return inSpan(context, recorder.start({ name, kind: 'internal', links }, { traceId }), work);
  }

  return { accept, finish, background, shutdown: async () => recorder?.shutdown() };
}

const followCaller: Sampler = (_traceId, caller) => caller ?? false;

/** Remembers what is the same for all spans of a route; there are as many as routes and methods. */
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

/** What the caller did wrong is no failure of the service. */
function describe(span: Span, status: number, problem: string | undefined): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 500) span.fail(problem ?? String(status));
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
