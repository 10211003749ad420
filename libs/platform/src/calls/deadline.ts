import { problem } from '@slipway/contract-kit/problem';
import { timeLeft } from '../core/request-context.ts';

/** Milliseconds reserved for this service to answer its own caller if the upstream does not respond. */
const margin = 20;

/** An upstream that does not respond within this time is too slow, however short the deadline was; milliseconds. */
const minBlame = 1_000;

/** The deadline of a call. */
export type Deadline = {
  /** Aborts the call when its deadline has passed or its caller aborts it. */
  signal: AbortSignal;
  /** Rejects with the signal's reason. */
  expired: Promise<never>;
  /** Returns the milliseconds left, as an integer. */
  left(): number;
  /** Returns whether the deadline has passed and was long enough to count against the upstream. */
  overdue(): boolean;
  /** Must be called when the call is over. */
  clear(): void;
};

/**
 * Starts the deadline of a call: its own timeout, or the time left for the request being served if that is less.
 *
 * @param timeoutMs the call's own timeout; milliseconds
 * @param given the signal with which the caller aborts the call
 * @throws {Problem} `deadline_exceeded` if no time is left: the call would be useless.
 */
export function startDeadline(service: string, timeoutMs: number, given?: AbortSignal): Deadline {
  given?.throwIfAborted();
  const budget = Math.min(timeoutMs, timeLeft(Number.POSITIVE_INFINITY) - margin);
  if (budget < 1) throw problem('deadline_exceeded', `No time is left to call ${service}`);
  const endsAt = performance.now() + budget;
  const controller = new AbortController();
  const { signal } = controller;
  const { promise: expired, reject } = Promise.withResolvers<never>();
  expired.catch(() => undefined);
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    controller.abort(
      problem('deadline_exceeded', `${service} did not respond within ${Math.floor(budget)} ms`),
    );
  }, budget);
  const abort = () => controller.abort(given?.reason);
  given?.addEventListener('abort', abort, { once: true });
  return {
    signal,
    expired,
    left: () => Math.max(0, Math.floor(endsAt - performance.now())),
    overdue: () => late && budget >= Math.min(timeoutMs, minBlame),
    clear() {
      clearTimeout(timer);
      given?.removeEventListener('abort', abort);
    },
  };
}
