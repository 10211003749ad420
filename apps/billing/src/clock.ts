import { problem } from '@slipway/contracts/errors';

/** What time it is, and whether callers may name times to come. */
export type Clock = {
  /** The present instant in the form that sorts. */
  now(): string;
  /** Lets months pass in a test; never in production, where it would bill what has not happened. */
  allowsFuture: boolean;
};

export function systemClock(allowsFuture: boolean): Clock {
  return { now: () => new Date().toISOString(), allowsFuture };
}

/** Milliseconds by which the clock of an honest caller may be ahead. */
const tolerance = 5 * 60_000;

/** @throws {Problem} invalid_request naming the field, if the instant is still to come. */
export function refuseFuture(clock: Clock, field: string, at: string): void {
  if (clock.allowsFuture || Date.parse(at) <= Date.parse(clock.now()) + tolerance) return;
  const message = 'must not be in the future';
  throw problem('invalid_request', `${field} ${message}`, { fields: [{ field, message }] });
}
