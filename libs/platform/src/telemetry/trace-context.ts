import type { IncomingHttpHeaders } from 'node:http';
import {
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  type TextMapPropagator,
  trace,
} from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3';
import { currentContext } from '../core/request-context.ts';

/**
 * Header with the milliseconds for which the caller still waits for the response. Each service sends the time that is
 * left to the next one.
 */
export const timeoutHeader = 'x-request-timeout-ms';
export const correlationHeader = 'x-correlation-id';

const w3c = new W3CTraceContextPropagator();

/** Propagators by their names in `OTEL_PROPAGATORS`. If a request has several formats, the last one here wins. */
const propagators: Record<string, TextMapPropagator> = {
  baggage: new W3CBaggagePropagator(),
  b3multi: new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER }),
  b3: new B3Propagator(),
  tracecontext: w3c,
};

/**
 * Makes the propagator that `OTEL_PROPAGATORS` names. Only the named formats are sent. W3C and B3 are read, too, unless
 * the setting is `none`: tracers that know only one of them must not lose their trace.
 */
export function createPropagator(setting: string): TextMapPropagator {
  const names = setting.split(/\s*,\s*/);
  const sent = composite(names);
  const read = setting === 'none' ? sent : composite([...names, 'b3', 'tracecontext']);
  return {
    inject: (...call) => sent.inject(...call),
    extract: (...request) => read.extract(...request),
    fields: () => sent.fields(),
  };
}

function composite(names: string[]): TextMapPropagator {
  const named = Object.entries(propagators).filter(([name]) => names.includes(name));
  return new CompositePropagator({ propagators: named.map(([, propagator]) => propagator) });
}

/**
 * Returns the W3C `traceparent` of the current request, to store it as the `trace` of the events that the request
 * causes.
 */
export function currentTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  w3c.inject(context.active(), carrier, defaultTextMapSetter);
  return carrier.traceparent;
}

/** Parses a W3C `traceparent`; returns `undefined` if it is not valid. */
export function readTraceparent(traceparent: string | undefined): SpanContext | undefined {
  return trace.getSpanContext(w3c.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter));
}

/**
 * Returns the headers of a call to another service: the time limit, and the current request's correlation id and trace
 * context.
 */
export function outgoingHeaders(timeout: number): Record<string, string> {
  const headers: Record<string, string> = { [timeoutHeader]: String(timeout) };
  const request = currentContext();
  if (!request) return headers;
  headers[correlationHeader] = request.correlationId;
  propagation.inject(context.active(), headers);
  return headers;
}

const milliseconds = /^\d+(\.\d+)?$/;

/**
 * Returns how many milliseconds the caller will wait, according to its header; infinity if the header is absent or
 * invalid.
 */
export function callerTimeout(headers: IncomingHttpHeaders): number {
  const header = headers[timeoutHeader];
  return typeof header === 'string' && milliseconds.test(header) ? Number(header) : Number.POSITIVE_INFINITY;
}
