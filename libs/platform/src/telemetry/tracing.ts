import type { IncomingHttpHeaders } from 'node:http';
import type { Attributes, Span } from '@opentelemetry/api';
import { Problem } from '../http/errors.ts';
import type { Logger } from './log.ts';
import { currentContext, type RequestContext, withContext } from './request-context.ts';
import type { SpanKind, SpanRecorder } from './span-recorder.ts';
import { callerTimeout, newTraceId, readTraceparent } from './trace-context.ts';

export type Tracing = {
  /** Makes the context of an incoming request from its headers, and starts its span if it is sampled. */
  accept(headers: IncomingHttpHeaders, facts: RequestStart): RequestContext;
  /** Sends what is still held back. Never rejects: telemetry must not fail a stop. */
  shutdown(): Promise<void>;
};

export type RequestStart = { method: string; route: string; correlationId: string; timeout: number };

type TracingOptions = {
  service: string;
  version: string;
  log: Logger;
  exporter: 'none' | 'zipkin' | 'otlp';
  /** Share of new traces that are recorded, 0 to 1. A caller that has decided is followed. */
  ratio: number;
};

/**
 * Makes the tracing of a service. The OpenTelemetry SDK is loaded only when there is an exporter. What is not
 * sampled costs two ids: the decision is made here, before there is any span object.
 */
export async function createTracing({ exporter, ratio, ...service }: TracingOptions): Promise<Tracing> {
  if (exporter === 'none') return tracingWith(undefined, ratio);
  const { startRecorder } = await import('./spans.ts');
  return tracingWith(startRecorder({ ...service, exporter }), ratio);
}

/** Tracing with a recorder that is already there. */
export function tracingWith(recorder: SpanRecorder | undefined, ratio: number): Tracing {
  return {
    accept(headers, { method, route, correlationId, timeout }) {
      const caller = headers.traceparent === undefined ? undefined : readTraceparent(headers.traceparent);
      const sampled = caller ? caller.sampled : recorder !== undefined && Math.random() < ratio;
      const span =
        recorder && sampled ? recorder.start(`${method} ${route}`, 'server', {}, caller) : undefined;
      const own = span?.spanContext() ?? caller;
      return {
        correlationId,
        traceId: own?.traceId ?? newTraceId(),
        spanId: own?.spanId,
        sampled,
        tracestate: caller ? stateIn(headers) : undefined,
        deadline: Date.now() + Math.min(timeout, callerTimeout(headers)),
        recorder,
        span,
        problem: undefined,
      };
    },
    shutdown: async () => recorder?.shutdown(),
  };
}

function stateIn({ tracestate }: IncomingHttpHeaders): string | undefined {
  return typeof tracestate === 'string' && tracestate.length <= 512 ? tracestate : undefined;
}

/**
 * Runs `work` in a span below the current one; without a sampled trace it is just called. A failure marks the
 * span with its problem code. Attributes hold no personal data: names, counts and statuses only.
 *
 * @example
 * await withSpan('GET users', 'client', { 'server.address': host }, async (span) => {
 *   const response = await send(outgoingHeaders(timeout)); // names this span as the parent
 *   span?.setAttribute('http.response.status_code', response.statusCode);
 *   return response;
 * });
 */
export function withSpan<T>(
  name: string,
  kind: SpanKind,
  attributes: Attributes,
  work: (span?: Span) => Promise<T>,
): Promise<T> {
  const context = currentContext();
  const span = startSpan(name, kind, attributes);
  return context && span ? inSpan(context, span, work) : work();
}

/** Starts a span below the current one, if the trace is sampled. Its maker ends it. */
export function startSpan(name: string, kind: SpanKind, attributes: Attributes): Span | undefined {
  const context = currentContext();
  if (!context?.span) return undefined;
  return context.recorder?.start(name, kind, attributes, context.span);
}

/**
 * Runs `work` as part of the trace that an event was born in (the `trace` of its envelope), so that the trace
 * of a request shows what its events did elsewhere. Log lines of `work` carry that trace's id.
 */
export function withTraceOf<T>(
  trace: string | undefined,
  name: string,
  work: (span?: Span) => Promise<T>,
): Promise<T> {
  const origin = readTraceparent(trace);
  const context = currentContext();
  if (!origin || !context) return work();
  const continued = { ...context, ...origin, span: undefined };
  if (!origin.sampled || !context.recorder) return withContext(continued, work);
  return inSpan(continued, context.recorder.start(name, 'consumer', {}, origin), work);
}

async function inSpan<T>(context: RequestContext, span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await withContext({ ...context, span, spanId: span.spanContext().spanId }, () => work(span));
  } catch (error) {
    markFailed(span, failureName(error));
    throw error;
  } finally {
    span.end();
  }
}

type RequestEnd = { method: string; route: string; status: number; problem: string | undefined };

/** Ends the span of a request. What the caller did wrong is no failure of the service. */
export function endRequestSpan(span: Span, { method, route, status, problem }: RequestEnd): void {
  span.setAttributes({
    'http.request.method': method,
    'http.route': route,
    'http.response.status_code': status,
  });
  if (status >= 500) markFailed(span, problem ?? String(status));
  else if (problem) span.setAttribute('error.type', problem);
  span.end();
}

/** What may be said of an error in telemetry: its code or its class, never its text. */
export function failureName(error: unknown): string {
  if (error instanceof Problem) return error.code;
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

/** Marks a span as failed. Zipkin shows a failure only by its message. */
export function markFailed(span: Span, reason: string): void {
  span.setAttribute('error.type', reason);
  span.setStatus({ code: statusError, message: reason });
}

/** `SpanStatusCode.ERROR`, written out so that the OpenTelemetry API is not loaded without an exporter. */
const statusError = 2;
