/** Milliseconds that the system's clock may be off before it is followed. */
const tolerance = 5;

let since = performance.timeOrigin;

/**
 * What to add to a time of `performance.now()` for milliseconds since the epoch. It stays the same while the
 * system's clock does, so that the spans of a trace keep their order below a millisecond.
 */
export function wallClock(): number {
  const now = Date.now() - performance.now();
  if (Math.abs(now - since) > tolerance) since = now;
  return since;
}
