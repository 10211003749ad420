import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { currentContext } from './request-context.ts';

const queuedAt = new WeakMap<IncomingMessage, number>();

/** Records when a queued request was received, on the clock of `performance.now()`. */
export function setReceivedAt(request: IncomingMessage, at: number): void {
  queuedAt.set(request, at);
}

/** Returns when a queued request was received, or now: duration and deadline include the time in the queue. */
export function receivedAt(request: IncomingMessage): number {
  return queuedAt.get(request) ?? performance.now();
}

/**
 * Header with the age, in milliseconds, of the request that the sender of this one is serving. Services exchange only
 * durations, because their clocks differ.
 */
export const ageHeader = 'x-request-age-ms';

/** Returns how long ago the request being served was received; milliseconds. */
export function currentAge(now = performance.now()): number {
  return now - (currentContext()?.startedAt ?? now);
}

/** Maximum age that a sender can claim: the longest that a request may wait on its way; milliseconds. */
const maxAge = 60_000;

/** Returns the age that the sender of a request claims; 0 if the header is absent or invalid. */
export function claimedAge(headers: IncomingHttpHeaders): number {
  const age = headers[ageHeader];
  return typeof age === 'string' && /^\d+$/.test(age) ? Math.min(Number(age), maxAge) : 0;
}
