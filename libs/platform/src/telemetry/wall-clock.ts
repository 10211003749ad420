/** Milliseconds that the system's clock may be off before it is followed. */
const tolerance = 5;
/** Milliseconds between two looks at the system's clock, which cost more than the rest. */
const checkEvery = 1_000;

let origin = performance.timeOrigin;
let nextCheck = 0;

/**
 * Milliseconds since the epoch of a time of `performance.now()`. Its origin stays the same while the system's clock
 * does, so that the spans of a trace keep their order below a millisecond, which the SDK's own times do not.
 */
export function epochTime(at = performance.now()): number {
  if (at >= nextCheck) {
    const now = Date.now() - performance.now();
    if (Math.abs(now - origin) > tolerance) origin = now;
    nextCheck = at + checkEvery;
  }
  return origin + at;
}
