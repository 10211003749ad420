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

/**
 * The options of a span that are known when it starts. Attributes are names, counts and statuses: never personal data.
 */
export type SpanFacts = {
  name: string;
  kind: keyof typeof kinds;
  attributes?: Attributes;
  /** The name of the service or database that is called. It becomes a node of the dependency graph. */
  peer?: string | undefined;
  /** Links to other traces that this work also belongs to. */
  links?: SpanContext[];
};

/**
 * Creates a span. Sets the attributes only if the span is recorded, because the SDK would copy and check them before it
 * decides that.
 *
 * @param startedAt a time of `performance.now()`; by default the current time
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
 * Runs `work` in a child span of the current one. If the trace is not sampled, only calls `work`. An error marks the
 * span as failed, with its `failureName`.
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

/** Starts a child span of the current one, if the trace is sampled. The caller must end it with `endSpan`. */
export function startSpan(facts: SpanFacts): Span | undefined {
  const tracer = currentContext()?.tracer;
  if (!tracer || !isSampled(trace.getActiveSpan()?.spanContext())) return undefined;
  return makeSpan(tracer, facts, context.active());
}

/** The parts of an event that identify its origin. */
type Origin = { trace?: string; source: string };

/**
 * Runs `work` in the trace of the request that caused an event, so that the trace also shows the event's effects in
 * other services. Log lines of `work` have that trace's id. The span is linked to the delivery of the event.
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

/** Runs `work` with `span` as the active span, and ends the span. */
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

/** Marks a span as failed. The status needs a message, because Zipkin shows no error without one. */
export function failSpan(span: Span, reason: string): void {
  span.setAttribute('error.type', reason).setStatus({ code: SpanStatusCode.ERROR, message: reason });
}

export function endSpan(span: Span): void {
  span.end(epochTime());
}

/**
 * Returns the name of an error for telemetry: its code or its class, never its message, which may contain personal
 * data.
 */
export function failureName(error: unknown): string {
  if (error instanceof Problem) return error.code;
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
