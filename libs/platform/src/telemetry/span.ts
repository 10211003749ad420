import { newSpanId } from './trace-ids.ts';

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** Names, counts and statuses: never personal data, a token or a body. */
export type Attributes = Record<string, string | number | boolean>;

/** Names a span from elsewhere: another process, or another trace. */
export type SpanName = { traceId: string; spanId: string };

/** What a span is about, known when it starts. */
export type SpanFacts = {
  name: string;
  kind: SpanKind;
  attributes?: Attributes;
  /** Who is talked to: the name of a service, or of a database. An edge in a graph of dependencies. */
  peer?: string;
  /** Other traces that this work belongs to as well. */
  links?: SpanName[];
};

/** Where a span stands in its trace. */
export type SpanPlace = {
  traceId: string;
  /** A new one by default. */
  spanId?: string;
  parentId?: string;
  /** On the clock of `performance.now()`; now by default. */
  startedAt?: number;
};

/**
 * A piece of work in a trace: plain data, with none of what the OpenTelemetry SDK checks and copies for spans of
 * which it does not know who makes them. An exporter turns it into its own format.
 */
export class Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly facts: SpanFacts;
  /** On the clock of `performance.now()`; milliseconds. */
  readonly startedAt: number;
  endedAt: number | undefined;
  /** Attributes that were not known at the start. */
  readonly attributes: Attributes = {};
  /** Why the work failed: a code or a class, never a text. */
  error: string | undefined;
  readonly #ended: (span: Span) => void;

  constructor(facts: SpanFacts, place: SpanPlace, ended: (span: Span) => void) {
    this.facts = facts;
    this.traceId = place.traceId;
    this.spanId = place.spanId ?? newSpanId();
    this.parentId = place.parentId;
    this.startedAt = place.startedAt ?? performance.now();
    this.#ended = ended;
  }

  setAttribute(name: string, value: string | number | boolean): void {
    this.attributes[name] = value;
  }

  /** Marks the work as failed. */
  fail(reason: string): void {
    this.error = reason;
    this.attributes['error.type'] = reason;
  }

  /** Ends the work; only the first call counts. */
  end(): void {
    if (this.endedAt !== undefined) return;
    this.endedAt = performance.now();
    this.#ended(this);
  }
}

/** Makes and exports the spans of one service. Whoever calls it has decided that the trace is recorded. */
export type SpanRecorder = {
  start(facts: SpanFacts, place: SpanPlace): Span;
  /** Exports what is held back, for a bounded time. Never rejects: telemetry must not fail a stop. */
  shutdown(): Promise<void>;
};
