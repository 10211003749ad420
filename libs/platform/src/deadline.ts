import { problem } from './errors.ts';
import { timeLeft } from './request-context.ts';

/**
 * Kept back from the time that is left, so that this service can still answer its own caller when the
 * upstream does not; milliseconds.
 */
const margin = 20;

/** When a call must be over, and the signal that ends it then. */
export type Deadline = {
  signal: AbortSignal;
  /** Whole milliseconds that are left. */
  left(): number;
  /** Must be called when the call is over. */
  clear(): void;
};

/**
 * Starts the deadline of a call: its own timeout, or what the request being served has left if that is less.
 *
 * @throws {Problem} `deadline_exceeded` if nothing is left: then the call is not worth sending.
 */
export function createDeadline(name: string, timeoutMs: number, given?: AbortSignal): Deadline {
  given?.throwIfAborted();
  const budget = Math.min(timeoutMs, timeLeft(Number.POSITIVE_INFINITY) - margin);
  if (budget < 1) throw problem('deadline_exceeded', `No time is left to ask ${name}`);
  const endsAt = performance.now() + budget;
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(problem('deadline_exceeded', `${name} did not answer in ${Math.floor(budget)} ms`));
  }, budget);
  const giveUp = () => controller.abort(given?.reason);
  given?.addEventListener('abort', giveUp);
  return {
    signal: controller.signal,
    left: () => Math.max(0, Math.floor(endsAt - performance.now())),
    clear() {
      clearTimeout(timer);
      given?.removeEventListener('abort', giveUp);
    },
  };
}
