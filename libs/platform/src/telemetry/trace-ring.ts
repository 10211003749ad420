import { Type } from '@slipway/contract-kit/type';
import type { Static } from 'typebox';

/** A span as a process shows it on its management port. It has names, counts and statuses: never personal data. */
export const StoredSpan = Type.Object({
  spanId: Type.String(),
  parentId: Type.Optional(Type.String()),
  service: Type.String(),
  name: Type.String(),
  /** `server`, `client`, `consumer` or `internal`; a process of a newer version may know more. */
  kind: Type.String(),
  /** Milliseconds since the epoch. */
  startedAt: Type.Number(),
  /** Duration in milliseconds. */
  ms: Type.Number(),
  status: Type.Optional(Type.Integer()),
  error: Type.Optional(Type.String()),
  /** The service or database that is called. */
  peer: Type.Optional(Type.String()),
  /** The source file that defines the handler, makes the call, or opens the store. */
  file: Type.Optional(Type.String()),
});
export type StoredSpan = Static<typeof StoredSpan>;

/** Why a trace is stored; `sampled`: the caller has sampled it. */
const reasons = ['failed', 'slow', 'administrator', 'sampled'] as const;
export type TraceReason = (typeof reasons)[number];

export const StoredTrace = Type.Object({
  traceId: Type.String(),
  /** One of `TraceReason`; a process of a newer version may know more. */
  reason: Type.String(),
  /** Whether the spans were also sent to an exporter. */
  isExported: Type.Boolean(),
  spans: Type.Array(StoredSpan),
});
export type StoredTrace = Static<typeof StoredTrace>;

/** The response of a management port at /traces and /traces/ID. */
export const StoredTraces = Type.Object({ traces: Type.Array(StoredTrace) });

/**
 * The limits of a ring. `name` bounds the traces with the same first span, so that a page that polls, or one operation that
 * fails, does not displace all others.
 */
const max = { traces: 50, name: 10, spans: 100 };

/**
 * Stores the last traces of a process in memory, so that the console can show them without a collector: at most 50 for each
 * reason, and 100 spans of each.
 *
 * @example
 * ring.add({ traceId, reason: 'failed', isExported: false, spans: [request, storeCall] });
 * ring.find(traceId);
 */
export class TraceRing {
  readonly #stored = new Map<string, Map<string, StoredTrace>>();

  /** Stores the spans of a request, the request's own first. They join earlier ones of the same trace and reason. */
  add(trace: StoredTrace): void {
    const { traceId, reason, isExported, spans } = trace;
    const traces = this.#stored.get(reason) ?? new Map<string, StoredTrace>();
    this.#stored.set(reason, traces);
    const known = traces.get(traceId);
    if (known) {
      known.isExported ||= isExported;
      known.spans.push(...spans.slice(0, max.spans - known.spans.length));
      return;
    }
    makeRoom(traces, spans[0]?.name);
    traces.set(traceId, { ...trace, spans: spans.slice(0, max.spans) });
  }

  /** Returns all traces, each with the spans of its requests alone. */
  list(): StoredTrace[] {
    return this.#all().map((trace) => ({
      ...trace,
      spans: trace.spans.filter(({ kind }) => kind === 'server' || kind === 'consumer'),
    }));
  }

  /** Returns what is stored of a trace; it may be stored for several reasons. */
  find(traceId: string): StoredTrace[] {
    return this.#all().filter((trace) => trace.traceId === traceId);
  }

  #all(): StoredTrace[] {
    return [...this.#stored.values()].flatMap((traces) => [...traces.values()]);
  }
}

/** Removes the oldest trace if there is no room for another one, or for one with this name. */
function makeRoom(traces: Map<string, StoredTrace>, name: string | undefined): void {
  const same = [...traces.values()].filter(({ spans }) => spans[0]?.name === name);
  if (same.length >= max.name) traces.delete((same[0] as StoredTrace).traceId);
  else if (traces.size >= max.traces) traces.delete(traces.keys().next().value as string);
}
