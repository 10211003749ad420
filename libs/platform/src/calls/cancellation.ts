/** The part of an `AbortSignal` that a call needs. */
export type CallSignal = Pick<AbortSignal, 'aborted' | 'reason'> & {
  addEventListener(type: 'abort', listener: () => void, options?: { once: true }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
};

/**
 * Aborts one call. It does what an `AbortController` does for one listener, which costs more than a token check: every
 * forwarded request has one, and hardly any uses it.
 */
export class Cancellation implements CallSignal {
  aborted = false;
  #reason: unknown;
  #listener: (() => void) | undefined;

  /** Aborts the call, also one that has not started. Does nothing when the call is over. */
  abort(reason?: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.#reason = reason;
    this.#listener?.();
  }

  /** Made when it is asked for: hardly any request that ends has a call to abort. */
  get reason(): unknown {
    if (this.aborted) this.#reason ??= new DOMException('The call was aborted', 'AbortError');
    return this.#reason;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener;
  }

  removeEventListener(): void {
    this.#listener = undefined;
  }
}
