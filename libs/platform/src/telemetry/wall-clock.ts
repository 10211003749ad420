/** Milliseconds that the system's clock may be off before it is followed. */
const tolerance = 5;

let origin = performance.timeOrigin;

/**
 * Milliseconds since the epoch of a time of `performance.now()`. Its origin stays the same while the system's clock
 * does, so that the spans of a trace keep their order below a millisecond, which the SDK's own times do not.
 */
export function epochTime(at = performance.now()): number {
  const now = Date.now() - performance.now();
  if (Math.abs(now - origin) > tolerance) origin = now;
  return origin + at;
}
