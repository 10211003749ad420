/** Maximum difference in milliseconds to the system clock that is ignored. */
const tolerance = 5;
/** Milliseconds between two looks at the system's clock, which cost more than the rest. */
const checkEvery = 1_000;

let origin = performance.timeOrigin;
let nextCheck = 0;

/**
 * Converts a time of `performance.now()` to milliseconds since the epoch. The offset changes only when the system clock
 * is set, so the spans of a trace stay in order below a millisecond. The SDK's own times do not.
 */
export function epochTime(at = performance.now()): number {
  if (at >= nextCheck) {
    const now = Date.now() - performance.now();
    if (Math.abs(now - origin) > tolerance) origin = now;
    nextCheck = at + checkEvery;
  }
  return origin + at;
}
