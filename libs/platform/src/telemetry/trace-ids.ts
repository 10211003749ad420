import { randomUUID } from 'node:crypto';

/** A `traceparent`: a span of another process. */
export type RemoteSpan = { traceId: string; spanId: string; sampled: boolean };

/** What a caller says of its trace. One that has only decided whether it is recorded names no ids. */
export type Caller = {
  traceId?: string;
  spanId?: string;
  sampled: boolean | undefined;
  /** Other systems' part of a W3C trace context, handed on as it came. */
  tracestate?: string | undefined;
};

/** How the trace is told to the services that are called. */
export type Propagator = 'tracecontext' | 'b3' | 'b3multi';

/** 32 random hex digits. A UUID without its dashes: its last seven bytes are random, as W3C level 2 asks. */
export function newTraceId(): string {
  const id = randomUUID();
  return id.slice(0, 8) + id.slice(9, 13) + id.slice(14, 18) + id.slice(19, 23) + id.slice(24);
}

/** 16 random hex digits. */
export function newSpanId(): string {
  const id = randomUUID();
  return id.slice(0, 8) + id.slice(28);
}
