/** Maximum difference from the system clock that is ignored; milliseconds. */
const tolerance = 5;
/** Milliseconds between two reads of the system clock, which cost more than the conversion. */
const checkEvery = 1_000;

let origin = performance.timeOrigin;
let nextCheck = 0;

/**
 * Converts a time of `performance.now()` to milliseconds since the epoch. The offset changes only when it is wrong by more
 * than `tolerance`, so that spans, unlike with the SDK's own times, stay in order below a millisecond.
 */
export function epochTime(at = performance.now()): number {
  if (at >= nextCheck) {
    const now = Date.now() - performance.now();
    if (Math.abs(now - origin) > tolerance) origin = now;
    nextCheck = at + checkEvery;
  }
  return origin + at;
}
