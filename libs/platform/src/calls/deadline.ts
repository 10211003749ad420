import { problem } from '@slipway/contract-kit/problem';
import { timeLeft } from '../core/request-context.ts';

/**
 * Kept back from the time that is left, so that this service can still answer its own caller when the
 * upstream does not; milliseconds.
 */
const margin = 20;

/** An upstream that lets this time pass without an answer is too slow, whatever the caller's hurry; milliseconds. */
const fairTime = 1_000;

/** When a call must be over. */
export type Deadline = {
  /** Ends the call when its time is over or its caller gives it up. */
  signal: AbortSignal;
  /** Rejects with the signal's reason. */
  expired: Promise<never>;
  /** Whole milliseconds that are left. */
  left(): number;
  /** Whether the time ran out and it was enough to blame the upstream, and not its caller's hurry. */
  overdue(): boolean;
  /** Must be called when the call is over. */
  clear(): void;
};

/**
 * Starts the deadline of a call: its own timeout, or what the request being served has left if that is less.
 *
 * @param timeoutMs the call's own timeout; milliseconds
 * @param given the signal by which the caller gives the call up
 * @throws {Problem} `deadline_exceeded` if nothing is left: then the call is not worth sending.
 */
export function startDeadline(service: string, timeoutMs: number, given?: AbortSignal): Deadline {
  given?.throwIfAborted();
  const budget = Math.min(timeoutMs, timeLeft(Number.POSITIVE_INFINITY) - margin);
  if (budget < 1) throw problem('deadline_exceeded', `No time is left to ask ${service}`);
  const endsAt = performance.now() + budget;
  const controller = new AbortController();
  const { signal } = controller;
  const { promise: expired, reject } = Promise.withResolvers<never>();
  expired.catch(() => undefined);
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    controller.abort(problem('deadline_exceeded', `${service} did not answer in ${Math.floor(budget)} ms`));
  }, budget);
  const giveUp = () => controller.abort(given?.reason);
  given?.addEventListener('abort', giveUp, { once: true });
  return {
    signal,
    expired,
    left: () => Math.max(0, Math.floor(endsAt - performance.now())),
    overdue: () => late && budget >= Math.min(timeoutMs, fairTime),
    clear() {
      clearTimeout(timer);
      given?.removeEventListener('abort', giveUp);
    },
  };
}
