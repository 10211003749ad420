/** Requests of one route that may always run at once. */
export const fewest = 16;
/** Requests of one route that ever run at once. */
const most = 192;
/** The same with those of callers below their share, who come on top; as many as calls to one upstream may wait. */
const mostOfAll = 256;
/** A window of measurement ends after so many milliseconds with so many answers, or with `full` answers. */
const window = { ms: 100, answers: 10, full: 64 };
/** Milliseconds after which the best latency is forgotten, if it was not seen again: a route may have become slower. */
const remembered = 60_000;

/**
 * Bounds the requests of one route that run at once, by what their latency tells. While answers come about as fast
 * as they ever do, the limit grows; when they take `patience` longer, their store (or the service behind) has
 * more to do than it can, and the limit goes to what it could do in time (Little's law: in flight = rate × time).
 * So a store that becomes slow gets less work and not more, and what waits for it takes a bounded part of memory.
 *
 * After TCP Vegas and Netflix' concurrency-limits (https://github.com/Netflix/concurrency-limits): median of a
 * window, against the best window of the last minute.
 */
export class LatencyLimit {
  readonly #patience: number;
  readonly #callers = new Map<string, number>();
  #limit = most;
  #inFlight = 0;
  /** Most that ran at once in this window. */
  #peak = 0;
  #samples: number[] = [];
  #windowBegan = 0;
  /** The best of this and of the last half of `remembered`. */
  #best = { now: Number.POSITIVE_INFINITY, before: Number.POSITIVE_INFINITY, since: 0 };

  /** @param patience milliseconds that an answer may take longer than at its best */
  constructor(patience: number) {
    this.#patience = patience;
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Takes a place, unless all are taken; a caller with less than its share of them still gets one. */
  enter(caller: string): boolean {
    const own = this.#callers.get(caller) ?? 0;
    if (this.#inFlight >= this.#limit) {
      const callers = this.#callers.size + (own > 0 ? 0 : 1);
      if (own >= this.#limit / callers || this.#inFlight >= mostOfAll) return false;
    }
    this.#callers.set(caller, own + 1);
    this.#inFlight += 1;
    if (this.#inFlight > this.#peak) this.#peak = this.#inFlight;
    return true;
  }

  leave(caller: string): void {
    const left = (this.#callers.get(caller) ?? 0) - 1;
    if (left > 0) this.#callers.set(caller, left);
    else this.#callers.delete(caller);
    this.#inFlight -= 1;
  }

  /** Notes how long an answer took; milliseconds. */
  sample(ms: number, now: number): void {
    this.#samples.push(ms);
    const { length } = this.#samples;
    const isOver = length >= window.answers && now - this.#windowBegan >= window.ms;
    if (isOver || length >= window.full) this.#endWindow(now);
  }

  #endWindow(now: number): void {
    const latency = medianOf(this.#samples);
    const target = this.#bestSoFar(latency, now) + this.#patience;
    if (latency > target) {
      this.#limit = Math.max(fewest, (Math.min(this.#limit, this.#peak) * target) / latency);
    } else if (this.#peak >= this.#limit * 0.8) {
      this.#limit = Math.min(most, this.#limit + Math.sqrt(this.#limit));
    }
    this.#samples = [];
    this.#peak = this.#inFlight;
    this.#windowBegan = now;
  }

  #bestSoFar(latency: number, now: number): number {
    if (now - this.#best.since > remembered / 2) {
      this.#best = { now: latency, before: this.#best.now, since: now };
    }
    this.#best.now = Math.min(this.#best.now, latency);
    return Math.min(this.#best.now, this.#best.before);
  }
}

/** Not the mean: neither a client that sends its body slowly nor one quick answer may move it. */
function medianOf(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
