import { Problem } from '@slipway/contract-kit/problem';
import { currentContext, type RequestContext, withContext } from '../core/request-context.ts';
import type { Span, SpanFacts } from './span.ts';
import { readTraceparent } from './trace-context.ts';

/**
 * Runs `work` in a span below the current one; without a sampled trace it is just called. A failure marks the
 * span with its problem code. Attributes hold no personal data: names, counts and statuses only.
 *
 * @example
 * await withSpan({ name: 'users getMe', kind: 'client', peer: 'users' }, async (span) => {
 *   const response = await send(outgoingHeaders(timeout)); // names this span as the parent
 *   span?.setAttribute('http.response.status_code', response.statusCode);
 *   return response;
 * });
 */
export function withSpan<T>(facts: SpanFacts, work: (span?: Span) => Promise<T>): Promise<T> {
  const context = currentContext();
  const span = startSpan(facts);
  return context && span ? inSpan(context, span, work) : work();
}

/** Starts a span below the current one, if the trace is sampled. Its maker ends it. */
export function startSpan(facts: SpanFacts): Span | undefined {
  const context = currentContext();
  if (!context?.span) return undefined;
  const { traceId, spanId: parentId } = context.span;
  return context.recorder?.start(facts, { traceId, parentId });
}

/** What an event says of where it comes from. */
type Origin = { trace?: string; source: string };

/**
 * Runs `work` as part of the trace that an event was born in, so that the trace of a request shows what its events
 * did elsewhere. Log lines of `work` carry that trace's id. The span is linked to the delivery that brought the event.
 */
export function withTraceOf<T>(
  { trace, source }: Origin,
  name: string,
  work: (span?: Span) => Promise<T>,
): Promise<T> {
  const origin = readTraceparent(trace);
  const context = currentContext();
  if (!origin || !context) return work();
  const { recorder, span: delivery } = context;
  const { traceId, spanId: parentId, sampled } = origin;
  const continued = { ...context, ...origin, span: undefined };
  if (!sampled || !recorder) return withContext(continued, work);
  const links = delivery && [delivery];
  return inSpan(
    continued,
    recorder.start({ name, kind: 'consumer', peer: source, links }, { traceId, parentId }),
    work,
  );
}

/** Runs `work` as what `span` covers, and ends that. */
export async function inSpan<T>(
  context: RequestContext,
  span: Span,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  try {
    return await withContext({ ...context, span, spanId: span.spanId }, () => work(span));
  } catch (error) {
    span.fail(failureName(error));
    throw error;
  } finally {
    span.end();
  }
}

/** What may be said of an error in telemetry: its code or its class, never its text. */
export function failureName(error: unknown): string {
  if (error instanceof Problem) return error.code;
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
