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
import { currentContext, requestIn } from '../core/request-context.ts';
import type { SourceFile } from '../core/span-record.ts';
import { RecordedSpan } from './recorded-span.ts';
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
  /** The source file that defines the work. */
  file?: SourceFile | undefined;
};

/** Maximum number of spans below that of a request that are recorded for the console. */
const maxRecorded = 100;

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
 * Runs `work` in a child span of the current one. An error marks the span as failed, with its `failureName`. Outside of a
 * request, only calls `work`.
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

/**
 * Starts a child span of the current one. The caller must end it with `endSpan`. It is exported if the trace is sampled, and
 * recorded for the console in case the request fails or is slow.
 */
export function startSpan(facts: SpanFacts): Span | undefined {
  const active = context.active();
  const request = requestIn(active);
  const parent = trace.getSpan(active);
  if (!request || !parent) return undefined;
  const { tracer, spans } = request;
  const ids = parent.spanContext();
  const isWanted = isSampled(ids);
  const exported = tracer && isWanted ? makeSpan(tracer, facts, active) : undefined;
  if (!spans || spans.length >= maxRecorded) return exported;
  // Work on an event belongs to the trace of the event's cause, of which only the sampled flag is known here.
  if (!isWanted && ids.traceId !== request.span.spanContext().traceId) return exported;
  const recorded = new RecordedSpan(facts, parent, isWanted, exported);
  spans.push(recorded);
  return recorded;
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
  file?: SourceFile,
): Promise<T> {
  const origin = readTraceparent(traceparent);
  const request = currentContext();
  if (!origin || !request) return work();
  const delivery = trace.getActiveSpan()?.spanContext();
  const links = delivery && isSampled(delivery) ? [delivery] : [];
  const parent = trace.setSpanContext(context.active(), origin);
  return context.with(parent, () => withSpan({ name, kind: 'consumer', peer: source, links, file }, work));
}

/** Runs `work` with `span` as the active span, and ends the span. In a trace that is not sampled, it is not made active. */
export async function inSpan<T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    if (!isSampled(span.spanContext())) return await work(span);
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
