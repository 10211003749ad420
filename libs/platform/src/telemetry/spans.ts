import {
  type Attributes,
  type Context,
  context,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { Problem } from '@slipway/contract-kit/problem';
import { currentContext } from '../core/request-context.ts';
import { readTraceparent } from './trace-context.ts';
import { epochTime } from './wall-clock.ts';

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
};

/** What a span is about, known when it starts. Attributes are names, counts and statuses: never personal data. */
export type SpanFacts = {
  name: string;
  kind: keyof typeof kinds;
  attributes?: Attributes;
  /** Who is talked to: the name of a service or of a database. An edge in a graph of dependencies. */
  peer?: string | undefined;
  /** Other traces that this work belongs to as well. */
  links?: SpanContext[];
};

/**
 * Makes a span. Its attributes are set only if it is recorded: the SDK copies and checks them before it decides.
 *
 * @param startedAt on the clock of `performance.now()`; now if it is not given
 */
export function makeSpan(tracer: Tracer, facts: SpanFacts, parent: Context, startedAt?: number): Span {
  const { name, kind, attributes, peer, links } = facts;
  const span = tracer.startSpan(name, { kind: kinds[kind], startTime: epochTime(startedAt) }, parent);
  if (!span.isRecording()) return span;
  if (attributes) span.setAttributes(attributes);
  if (peer !== undefined) span.setAttribute('peer.service', peer);
  if (links) span.addLinks(links.map((each) => ({ context: each })));
  return span;
}

/**
 * Runs `work` in a span below the current one; without a sampled trace it is just called. A failure marks the
 * span with its problem code.
 *
 * @example
 * await withSpan({ name: 'users getMe', kind: 'client', peer: 'users' }, async (span) => {
 *   const response = await send(outgoingHeaders(timeout)); // names this span as the parent
 *   span?.setAttribute('http.response.status_code', response.statusCode);
 *   return response;
 * });
 */
export function withSpan<T>(facts: SpanFacts, work: (span?: Span) => Promise<T>): Promise<T> {
  const span = startSpan(facts);
  return span ? inSpan(span, work) : work();
}

/** Starts a span below the current one, if the trace is sampled. The caller ends it by `endSpan`. */
export function startSpan(facts: SpanFacts): Span | undefined {
  const tracer = currentContext()?.tracer;
  if (!tracer || !isSampled(trace.getActiveSpan()?.spanContext())) return undefined;
  return makeSpan(tracer, facts, context.active());
}

/** What an event says of where it comes from. */
type Origin = { trace?: string; source: string };

/**
 * Runs `work` as part of the trace that an event was born in, so that the trace of a request shows what its events
 * did elsewhere. Log lines of `work` carry that trace's id. The span is linked to the delivery that brought the event.
 */
export function withTraceOf<T>(
  { trace: traceparent, source }: Origin,
  name: string,
  work: (span?: Span) => Promise<T>,
): Promise<T> {
  const origin = readTraceparent(traceparent);
  const request = currentContext();
  if (!origin || !request) return work();
  const delivery = trace.getActiveSpan()?.spanContext();
  const links = delivery && isSampled(delivery) ? [delivery] : [];
  const parent = trace.setSpanContext(context.active(), origin);
  return context.with(parent, () => withSpan({ name, kind: 'consumer', peer: source, links }, work));
}

/** Runs `work` with `span` as the active one, and ends it. */
export async function inSpan<T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(context.active(), span), () => work(span));
  } catch (error) {
    failSpan(span, failureName(error));
    throw error;
  } finally {
    endSpan(span);
  }
}

export function isSampled(span: SpanContext | undefined): boolean {
  return span !== undefined && (span.traceFlags & TraceFlags.SAMPLED) !== 0;
}

/** Marks the work of a span as failed. Zipkin shows an error only with a message. */
export function failSpan(span: Span, reason: string): void {
  span.setAttribute('error.type', reason).setStatus({ code: SpanStatusCode.ERROR, message: reason });
}

export function endSpan(span: Span): void {
  span.end(epochTime());
}

/** What may be said of an error in telemetry: its code or its class, never its text. */
export function failureName(error: unknown): string {
  if (error instanceof Problem) return error.code;
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
