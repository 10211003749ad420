import type { Readable } from 'node:stream';
import { problem } from '@slipway/contract-kit/problem';
import { fairTime } from '../core/fair-time.ts';
import { timeLeft } from '../core/request-context.ts';
import type { CallSignal } from './cancellation.ts';

/** Milliseconds reserved for this service to answer its own caller if the upstream does not respond. */
const margin = 20;

/** Minimum time that an upstream must have had to be blamed, unless its timeout is shorter; milliseconds. */
const minBlame = 1_000;

/** The deadline of a call. It ends the call when it has passed, or when the caller aborts the call. */
export type Deadline = {
  /** Why the call has ended early; absent if it has not. */
  readonly ended: { reason: unknown } | undefined;
  /** Calls `listener` when the call ends early, at once if it has. */
  onEnd(listener: (reason: unknown) => void): void;
  /** Aborts when the call ends early. Made when it is asked for: few calls wait for anything but their response. */
  readonly signal: AbortSignal;
  /** Rejects with the signal's reason. Made when it is asked for. */
  readonly expired: Promise<never>;
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
  given?: CallSignal,
  body?: Readable,
): Deadline {
  if (given?.aborted) throw given.reason;
  const budget = Math.min(timeoutMs, timeLeft(Number.POSITIVE_INFINITY) - margin);
  if (budget < 1) throw problem('deadline_exceeded', `No time is left to call ${service}`);
  return new CallDeadline(service, { timeoutMs, budget, given, body });
}

type Options = { timeoutMs: number; budget: number; given?: CallSignal; body?: Readable };

class CallDeadline implements Deadline {
  ended: { reason: unknown } | undefined;
  readonly #endsAt: number;
  readonly #timer: NodeJS.Timeout;
  readonly #service: string;
  readonly #options: Options;
  readonly #listeners: ((reason: unknown) => void)[] = [];
  /** When the request was sent; infinite until the end of a streamed body. */
  #sentAt: number;
  #isLate = false;
  #signal: AbortSignal | undefined;

  constructor(service: string, options: Options) {
    const { budget, given, body } = options;
    this.#service = service;
    this.#options = options;
    this.#sentAt = performance.now();
    this.#endsAt = this.#sentAt + budget;
    if (body) {
      this.#sentAt = Number.POSITIVE_INFINITY;
      body.once('end', () => {
        this.#sentAt = performance.now();
      });
    }
    given?.addEventListener('abort', this.#abort, { once: true });
    this.#timer = setTimeout(() => this.#pass(), budget);
  }

  get signal(): AbortSignal {
    if (this.#signal) return this.#signal;
    const controller = new AbortController();
    this.#signal = controller.signal;
    this.onEnd((reason) => controller.abort(reason));
    return this.#signal;
  }

  get expired(): Promise<never> {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined);
    this.onEnd(reject);
    return promise;
  }

  onEnd(listener: (reason: unknown) => void): void {
    if (this.ended) listener(this.ended.reason);
    else this.#listeners.push(listener);
  }

  left(): number {
    return Math.max(0, Math.floor(this.#endsAt - performance.now()));
  }

  fair(): boolean {
    const { timeoutMs } = this.#options;
    const enough = Math.min(timeoutMs, Math.max(minBlame, fairTime(timeoutMs)));
    return Math.round(this.#endsAt - this.#sentAt) >= enough;
  }

  overdue(): boolean {
    return this.#isLate && this.fair();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#options.given?.removeEventListener('abort', this.#abort);
  }

  #pass(): void {
    this.#isLate = true;
    const detail = `${this.#service} did not respond within ${Math.floor(this.#options.budget)} ms`;
    const isUnsent = this.#sentAt > this.#endsAt;
    this.#end(isUnsent ? problem('request_timeout') : problem('deadline_exceeded', detail));
  }

  readonly #abort = (): void => this.#end(this.#options.given?.reason);

  #end(reason: unknown): void {
    if (this.ended) return;
    this.ended = { reason };
    for (const listener of this.#listeners) listener(reason);
  }
}
