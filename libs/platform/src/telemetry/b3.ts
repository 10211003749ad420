import type { IncomingHttpHeaders } from 'node:http';
import type { Caller } from './trace-ids.ts';

const single = /^([0-9a-f]{16}|[0-9a-f]{32})-([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?$/;
const traceIdFormat = /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/;
const spanIdFormat = /^[0-9a-f]{16}$/;

/** What a B3 state says: `d` asks for a debug trace, which is recorded. Absent, the decision is left to us. */
const states: Record<string, boolean> = { '0': false, '1': true, d: true, false: false, true: true };

/**
 * Reads the trace context of Zipkin's own tracers, of the header `b3` or else of `x-b3-*`; `undefined` for anything
 * that is none. A trace id of 64 bits is filled up with zeros, which Zipkin takes for the same one.
 *
 * @see https://github.com/openzipkin/b3-propagation
 */
export function readB3(headers: IncomingHttpHeaders): Caller | undefined {
  return readSingle(headers.b3) ?? readMulti(headers);
}

function readSingle(header: unknown): Caller | undefined {
  if (typeof header !== 'string') return undefined;
  // A decision alone: whoever sends it has no ids yet.
  if (header.length === 1) return decision(states[header]);
  const [, traceId, spanId, state = ''] = single.exec(header) ?? [];
  return place(traceId, spanId, states[state]);
}

function readMulti(headers: IncomingHttpHeaders): Caller | undefined {
  const sampled = headers['x-b3-flags'] === '1' ? true : states[String(headers['x-b3-sampled'])];
  const traceId = matching(headers['x-b3-traceid'], traceIdFormat);
  const spanId = matching(headers['x-b3-spanid'], spanIdFormat);
  return place(traceId, spanId, sampled) ?? decision(sampled);
}

function place(traceId = '', spanId = '', sampled: boolean | undefined): Caller | undefined {
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId)) return undefined;
  return { traceId: traceId.padStart(32, '0'), spanId, sampled };
}

function decision(sampled: boolean | undefined): Caller | undefined {
  return sampled === undefined ? undefined : { sampled };
}

function matching(header: unknown, format: RegExp): string | undefined {
  return typeof header === 'string' && format.test(header) ? header : undefined;
}

/** The headers of a call for those who read B3 only. */
export function b3Headers(name: 'b3' | 'b3multi', traceId: string, spanId: string, sampled: boolean) {
  const state = sampled ? '1' : '0';
  if (name === 'b3') return { b3: `${traceId}-${spanId}-${state}` };
  return { 'x-b3-traceid': traceId, 'x-b3-spanid': spanId, 'x-b3-sampled': state };
}
