import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { currentContext, type RequestContext } from './request-context.ts';

export type Tracing = {
  /** Makes the context of an incoming request from its headers. */
  accept(headers: IncomingHttpHeaders, correlationId: string, requestTimeout: number): RequestContext;
  /** Ends the request's span, if the trace is sampled. */
  finish(context: RequestContext, facts: RequestFacts): void;
  /** Sends what is still held back. Never rejects: telemetry must not fail a stop. */
  shutdown(): Promise<void>;
};

export type RequestFacts = { name: string; method: string; route: string; status: number };

const traceparent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Tracing that carries contexts on but records nothing. */
export function createTracing(): Tracing {
  return {
    accept(headers, correlationId, requestTimeout) {
      const [, traceId, spanId, flags] = traceparent.exec(String(headers.traceparent)) ?? [];
      return {
        correlationId,
        traceId: traceId ?? randomBytes(16).toString('hex'),
        spanId: spanId ?? randomBytes(8).toString('hex'),
        sampled: flags === '01',
        deadline: Date.now() + Math.min(requestTimeout, timeoutIn(headers)),
      };
    },
    finish() {},
    shutdown: async () => {},
  };
}

function timeoutIn(headers: IncomingHttpHeaders): number {
  const value = Number(headers[timeoutHeader]);
  return Number.isFinite(value) && value >= 0 ? value : Number.POSITIVE_INFINITY;
}

/** Milliseconds that the caller still waits; each hop sends what is left. */
export const timeoutHeader = 'x-request-timeout-ms';

/** The headers that carry the current request's identity to the next service. */
export function outgoingHeaders(timeout: number): Record<string, string> {
  const context = currentContext();
  if (!context) return { [timeoutHeader]: String(timeout) };
  return {
    [timeoutHeader]: String(timeout),
    'x-correlation-id': context.correlationId,
    traceparent: `00-${context.traceId}-${context.spanId}-${context.sampled ? '01' : '00'}`,
  };
}
