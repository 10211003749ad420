import { problem } from '@slipway/contracts/errors';

/** The current time, and how far in the future the times in requests may be. */
export type Clock = {
  /** Returns the current time in the format that `toInstant` returns. */
  now(): string;
  /** Maximum milliseconds by which a time in a request may be in the future. */
  tolerance: number;
  /** The same for `asOf` of a billing run; 0 if absent, because a run would bill what has not happened. */
  runTolerance?: number;
};

/** Maximum expected difference between a caller's clock and ours; milliseconds. */
export const clockSkew = 5 * 60_000;
/** Long enough for a test of a year of invoices; limited, because each month is billed. Milliseconds. */
const testYear = 366 * 24 * 60 * 60_000;

/** @param isTest accepts times up to a year in the future; in production, that would bill months that have not begun */
export function systemClock(isTest: boolean): Clock {
  const tolerances = isTest ? { tolerance: testYear, runTolerance: testYear } : { tolerance: clockSkew };
  return { now: () => new Date().toISOString(), ...tolerances };
}

/** @throws {Problem} invalid_request naming the field, if the instant lies further ahead than is tolerated. */
export function refuseFuture(
  { now, tolerance }: Pick<Clock, 'now' | 'tolerance'>,
  field: string,
  at: string,
): void {
  if (Date.parse(at) <= Date.parse(now()) + tolerance) return;
  const message = 'must not be in the future';
  throw problem('invalid_request', `${field} ${message}`, { fields: [{ field, message }] });
}

/** @throws {Problem} like `refuseFuture`, for `asOf` of a billing run. */
export function refuseFutureRun({ now, runTolerance = 0 }: Clock, field: string, at: string): void {
  refuseFuture({ now, tolerance: runTolerance }, field, at);
}
