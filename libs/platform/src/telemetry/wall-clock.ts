/** Maximum difference in milliseconds to the system clock that is ignored. */
const tolerance = 5;

let origin = performance.timeOrigin;

/**
 * Converts a time of `performance.now()` to milliseconds since the epoch. The offset changes only when the system clock
 * is set, so the spans of a trace stay in order below a millisecond. The SDK's own times do not.
 */
export function epochTime(at = performance.now()): number {
  const now = Date.now() - performance.now();
  if (Math.abs(now - origin) > tolerance) origin = now;
  return origin + at;
}
