import type { Attributes, Span } from '@opentelemetry/api';

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** A span of another process: what a `traceparent` says. */
export type RemoteSpan = { traceId: string; spanId: string; sampled: boolean };

/** Makes and exports the spans of one service. Whoever calls it has decided that the trace is sampled. */
export type SpanRecorder = {
  start(name: string, kind: SpanKind, attributes: Attributes, parent?: Span | RemoteSpan): Span;
  /** Exports what is held back, for a bounded time. Never rejects: telemetry must not fail a stop. */
  shutdown(): Promise<void>;
};
