import type { Readable } from 'node:stream';
import { problem } from '@slipway/contract-kit/problem';
import { fairTime } from '../core/fair-time.ts';
import { timeLeft } from '../core/request-context.ts';

/** Milliseconds reserved for this service to answer its own caller if the upstream does not respond. */
const margin = 20;

/** Minimum time that an upstream must have had to be blamed, unless its timeout is shorter; milliseconds. */
const minBlame = 1_000;

/** The deadline of a call. */
export type Deadline = {
  /** Aborts the call when its deadline has passed or its caller aborts it. */
  signal: AbortSignal;
  /** Rejects with the signal's reason. */
  expired: Promise<never>;
  /** Returns the milliseconds left, as an integer. */
  left(): number;
  /**
   * Returns whether the upstream has, or had, enough time to respond once the request was sent. If not, being late does
   * not count against it: the client set a short deadline, or sent its body slowly.
   */
  fair(): boolean;
  /** Returns whether the deadline has passed and counts against the upstream. */
  overdue(): boolean;
  /** Must be called when the call is over. */
  clear(): void;
};

/**
 * Starts the deadline of a call: its own timeout, or the time left for the request being served if that is less.
 *
 * @param timeoutMs the call's own timeout; milliseconds
 * @param given the signal with which the caller aborts the call
 * @param body the body of the request, if it is a stream: its sender decides when it ends
 * @throws {Problem} `deadline_exceeded` if no time is left: the call would be useless.
 */
export function startDeadline(
  service: string,
  timeoutMs: number,
  given?: AbortSignal,
  body?: Readable,
): Deadline {
  given?.throwIfAborted();
  const budget = Math.min(timeoutMs, timeLeft(Number.POSITIVE_INFINITY) - margin);
  if (budget < 1) throw problem('deadline_exceeded', `No time is left to call ${service}`);
  const startedAt = performance.now();
  const endsAt = startedAt + budget;
  let sentAt = body ? Number.POSITIVE_INFINITY : startedAt;
  body?.once('end', () => {
    sentAt = performance.now();
  });
  const controller = new AbortController();
  const { signal } = controller;
  const { promise: expired, reject } = Promise.withResolvers<never>();
  expired.catch(() => undefined);
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    controller.abort(
      sentAt > endsAt
        ? problem('request_timeout')
        : problem('deadline_exceeded', `${service} did not respond within ${Math.floor(budget)} ms`),
    );
  }, budget);
  const enough = Math.min(timeoutMs, Math.max(minBlame, fairTime(timeoutMs)));
  const fair = () => Math.round(endsAt - sentAt) >= enough;
  const abort = () => controller.abort(given?.reason);
  given?.addEventListener('abort', abort, { once: true });
  return {
    signal,
    expired,
    left: () => Math.max(0, Math.floor(endsAt - performance.now())),
    fair,
    overdue: () => late && fair(),
    clear() {
      clearTimeout(timer);
      given?.removeEventListener('abort', abort);
    },
  };
}
