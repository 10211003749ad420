/** Minimum of the limit: requests of one route that may always run concurrently. */
export const minLimit = 16;
/** Maximum of the limit. */
const maxLimit = 192;
/** Maximum concurrent requests of one route, including those beyond the limit (see `acquire`). */
const hardMax = 256;
/** A window of measurement ends after `ms` milliseconds with `samples` samples, or after `maxSamples` samples. */
const window = { ms: 100, samples: 10, maxSamples: 64 };
/** Maximum milliseconds for which the best latency is kept unless it is seen again: a route may have become slower. */
const bestValidFor = 60_000;

/**
 * Limits how many requests of one route run concurrently, and adapts the limit to their latency. While latency stays
 * near its best, the limit grows. When latency exceeds its best by more than `maxQueueTime`, the store (or the service)
 * behind the route has more work than it can do, and the limit falls to what it could do in time (Little's law:
 * concurrency = rate × latency). So a store that becomes slow gets less work instead of more, and waiting requests use a
 * bounded amount of memory.
 *
 * After TCP Vegas and Netflix' concurrency-limits (https://github.com/Netflix/concurrency-limits): it compares the median
 * of a window with the best window of the last minute.
 */
export class LatencyLimit {
  readonly #maxQueueTime: number;
  readonly #clients = new Map<string, number>();
  #limit = maxLimit;
  #inFlight = 0;
  /** Maximum of `inFlight` in this window. */
  #peak = 0;
  #samples: number[] = [];
  #windowBegan = 0;
  /** The best latency since `since`, and in the half of `bestValidFor` before. */
  #best = { now: Number.POSITIVE_INFINITY, before: Number.POSITIVE_INFINITY, since: 0 };

  /** @param maxQueueTime milliseconds by which latency may exceed its best */
  constructor(maxQueueTime: number) {
    this.#maxQueueTime = maxQueueTime;
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** The best latency of a window; milliseconds. Infinity until the first window has ended. */
  get best(): number {
    return Math.min(this.#best.now, this.#best.before);
  }

  /** Takes a permit; returns false if none is left. A client with less than its share gets one beyond the limit. */
  acquire(client: string): boolean {
    const own = this.#clients.get(client) ?? 0;
    if (this.#inFlight >= this.#limit) {
      const share = this.#limit / this.#clients.size;
      if (own >= share || this.#inFlight >= hardMax) return false;
    }
    this.#clients.set(client, own + 1);
    this.#inFlight += 1;
    if (this.#inFlight > this.#peak) this.#peak = this.#inFlight;
    return true;
  }

  release(client: string): void {
    const left = (this.#clients.get(client) ?? 0) - 1;
    if (left > 0) this.#clients.set(client, left);
    else this.#clients.delete(client);
    this.#inFlight -= 1;
  }

  /** Records the latency of a request; milliseconds. */
  sample(ms: number, now: number): void {
    this.#samples.push(ms);
    const { length } = this.#samples;
    const isOver = length >= window.samples && now - this.#windowBegan >= window.ms;
    if (isOver || length >= window.maxSamples) this.#endWindow(now);
  }

  #endWindow(now: number): void {
    const latency = medianOf(this.#samples);
    const target = this.#bestSoFar(latency, now) + this.#maxQueueTime;
    if (latency > target) {
      this.#limit = Math.max(minLimit, (Math.min(this.#limit, this.#peak) * target) / latency);
    } else if (this.#peak >= this.#limit * 0.8) {
      this.#limit = Math.min(maxLimit, this.#limit + Math.sqrt(this.#limit));
    }
    this.#samples = [];
    this.#peak = this.#inFlight;
    this.#windowBegan = now;
  }

  #bestSoFar(latency: number, now: number): number {
    if (now - this.#best.since > bestValidFor / 2) {
      this.#best = { now: latency, before: this.#best.now, since: now };
    }
    this.#best.now = Math.min(this.#best.now, latency);
    return this.best;
  }
}

/** Returns the median: unlike the mean, it is not moved by one slow upload or one fast response. */
function medianOf(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
