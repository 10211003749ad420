import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { currentContext, type RequestContext } from './request-context.ts';
import type { RemoteSpan } from './span-recorder.ts';

/** Milliseconds that the caller still waits; each hop sends what is left. */
export const timeoutHeader = 'x-request-timeout-ms';
export const correlationHeader = 'x-correlation-id';

/** 32 random hex digits. A UUID without its dashes: its last seven bytes are random, as W3C level 2 asks. */
export function newTraceId(): string {
  const id = randomUUID();
  return id.slice(0, 8) + id.slice(9, 13) + id.slice(14, 18) + id.slice(19, 23) + id.slice(24);
}

function newSpanId(): string {
  const id = randomUUID();
  return id.slice(0, 8) + id.slice(28);
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
  headers.traceparent = traceparentOf(context);
  if (context.tracestate) headers.tracestate = context.tracestate;
  return headers;
}

/** Milliseconds that the caller says it waits; infinite if it says nothing. */
export function callerTimeout(headers: IncomingHttpHeaders): number {
  const header = headers[timeoutHeader];
  if (header === undefined) return Number.POSITIVE_INFINITY;
  const value = Number(header);
  return Number.isFinite(value) && value >= 0 ? value : Number.POSITIVE_INFINITY;
}
