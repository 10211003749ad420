import { problem } from '@slipway/contracts/errors';

/** What time it is, and how far into the future callers may name times. */
export type Clock = {
  /** The present instant in the form that sorts. */
  now(): string;
  /** Milliseconds by which a time that a caller names may lie ahead. */
  tolerance: number;
  /** Milliseconds by which a billing run may lie ahead: none, because it would bill what has not happened. */
  runTolerance?: number;
};

/** What the clock of an honest caller may differ; milliseconds. */
export const clockSkew = 5 * 60_000;
/** Enough for a test to see a year of invoices; bounded, because each month is billed. Milliseconds. */
const testYear = 366 * 24 * 60 * 60_000;

/** @param isTest lets months pass in a test; in production it would bill what has not happened */
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

/** @throws {Problem} as `refuseFuture`, for the time until which a run bills: never ahead without the test clock. */
export function refuseFutureRun({ now, runTolerance = 0 }: Clock, field: string, at: string): void {
  refuseFuture({ now, tolerance: runTolerance }, field, at);
}
