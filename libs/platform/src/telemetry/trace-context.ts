import type { IncomingHttpHeaders } from 'node:http';
import { currentContext, type RequestContext } from '../core/request-context.ts';
import { b3Headers, readB3 } from './b3.ts';
import { type Caller, newSpanId, type Propagator, type RemoteSpan } from './trace-ids.ts';

/** Milliseconds that the caller still waits; each hop sends what is left. */
export const timeoutHeader = 'x-request-timeout-ms';
export const correlationHeader = 'x-correlation-id';

/** Reads the trace that a request belongs to: of W3C, or else of B3. */
export function readCaller(headers: IncomingHttpHeaders): Caller | undefined {
  const caller = headers.traceparent === undefined ? undefined : readTraceparent(headers.traceparent);
  return caller ? { ...caller, tracestate: stateIn(headers) } : readB3(headers);
}

/** Reads `OTEL_PROPAGATORS`. Baggage is not handed on: nobody here reads it, and it may hold anything. */
export function readPropagators(names: string): Propagator[] {
  const known: Propagator[] = ['tracecontext', 'b3', 'b3multi'];
  return known.filter((name) => names.split(',').includes(name));
}

/** Other systems' part of a W3C trace context. */
function stateIn({ tracestate }: IncomingHttpHeaders): string | undefined {
  return typeof tracestate === 'string' && tracestate.length <= 512 ? tracestate : undefined;
}

const format = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Reads a W3C `traceparent`; `undefined` for anything that is none, which then starts a new trace.
 *
 * @see https://www.w3.org/TR/trace-context-2/#traceparent-header
 */
export function readTraceparent(header: unknown): RemoteSpan | undefined {
  if (typeof header !== 'string') return undefined;
  const [, version, traceId = '', spanId = '', flags = '', more] = format.exec(header) ?? [];
  if (!version || (version === '00' && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The `traceparent` of the running request, also for the `trace` of the events it causes. */
export function currentTraceparent(): string | undefined {
  const context = currentContext();
  return context && traceparentOf(context);
}

function traceparentOf(context: RequestContext): string {
  context.spanId ??= newSpanId();
  return `00-${context.traceId}-${context.spanId}-${context.sampled ? '01' : '00'}`;
}

/** The headers that carry the current request's identity, and the time left, to the next service. */
export function outgoingHeaders(timeout: number): Record<string, string> {
  const headers: Record<string, string> = { [timeoutHeader]: String(timeout) };
  const context = currentContext();
  if (!context) return headers;
  headers[correlationHeader] = context.correlationId;
  for (const name of context.propagators) addTrace(headers, name, context);
  return headers;
}

function addTrace(headers: Record<string, string>, name: Propagator, context: RequestContext): void {
  if (name === 'tracecontext') {
    headers.traceparent = traceparentOf(context);
    if (context.tracestate) headers.tracestate = context.tracestate;
    return;
  }
  context.spanId ??= newSpanId();
  Object.assign(headers, b3Headers(name, context.traceId, context.spanId, context.sampled));
}

const milliseconds = /^\d+(\.\d+)?$/;

/** Milliseconds that the caller says it waits; infinite if it says nothing, or nothing that can be read. */
export function callerTimeout(headers: IncomingHttpHeaders): number {
  const header = headers[timeoutHeader];
  return typeof header === 'string' && milliseconds.test(header) ? Number(header) : Number.POSITIVE_INFINITY;
}
