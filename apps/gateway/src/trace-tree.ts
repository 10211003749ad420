import type { StoredSpan } from '@slipway/platform/telemetry/trace-ring';

export type PlacedSpan = { span: StoredSpan; depth: number };

/** Maximum difference between the clocks of two machines that is ignored; milliseconds. */
const tolerance = 5;

/**
 * Puts the spans of a trace into the order of a waterfall: each below its parent, and those of one parent by their start. A
 * span without a stored parent is at the top.
 */
export function inTreeOrder(spans: StoredSpan[]): PlacedSpan[] {
  const unique = [...new Map(spans.map((span) => [span.spanId, span])).values()];
  const known = new Set(unique.map(({ spanId }) => spanId));
  const parentOf = (span: StoredSpan) => {
    const parent = callOf(span, unique) ?? span.parentId;
    return parent !== undefined && parent !== span.spanId && known.has(parent) ? parent : undefined;
  };
  const sorted = unique.toSorted((one, other) => one.startedAt - other.startedAt);
  const below = Map.groupBy(sorted, parentOf);
  const placed = new Map<string, PlacedSpan>();
  const place = (spans: StoredSpan[], depth: number) => {
    for (const span of spans) {
      if (placed.has(span.spanId)) continue;
      placed.set(span.spanId, { span, depth });
      place(below.get(span.spanId) ?? [], depth + 1);
    }
  };
  place(below.get(undefined) ?? [], 0);
  // Those that are left have ids in a circle.
  place(sorted, 0);
  return [...placed.values()];
}

/**
 * Returns the id of the call that a request belongs to. In a trace that was not sampled, a call carries the id of the request
 * above it, so the call itself is found by what it calls, and when: the last one that began before.
 */
function callOf({ kind, service, parentId, startedAt }: StoredSpan, spans: StoredSpan[]): string | undefined {
  if (kind !== 'server' || parentId === undefined) return undefined;
  if (spans.find(({ spanId }) => spanId === parentId)?.kind === 'client') return parentId;
  const calls = spans.filter(
    (each) => each.kind === 'client' && each.peer === service && each.startedAt <= startedAt + tolerance,
  );
  return calls.toSorted((one, other) => one.startedAt - other.startedAt).at(-1)?.spanId;
}
