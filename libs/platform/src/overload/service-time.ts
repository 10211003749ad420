/** Iterations of a busy period after which the service time is known: the first ones may run cold code. */
const minSamples = 8;
/** Maximum number of samples; the oldest is replaced. */
const maxSamples = 64;
/** Number of longest samples that are ignored: a pause of the process or of the machine is no service time. */
const outliers = 2;
/** Milliseconds of work that are started in one event-loop iteration, unless one request takes longer. */
const maxWork = 1;
/** Maximum number of requests that start in one iteration, however short they are: the next ones may be longer. */
const maxStarts = 16;

/**
 * Measures the service time of a queue: the time from one start to the next, whatever uses it (the requests
 * themselves, their store, garbage collection). The duration of an event-loop iteration is divided by the number of
 * requests started in it, because most of a request's work is done in callbacks after its start. Each busy period is
 * measured again from the beginning, so that a cold start does not count against the next one.
 */
export class ServiceTime {
  readonly #samples: number[] = [];
  /** The same without what the rejected requests cost. */
  readonly #workSamples: number[] = [];
  #mean = 0;
  #count = 0;
  #last: { at: number; started: number } | undefined;
  /** Milliseconds that rejected requests cost since `last`. */
  #rejecting = 0;
  /** Number of requests to start in one iteration; one until requests are known to be short. */
  startsPerIteration = 1;
  /** Expected milliseconds of the requests that one iteration starts; 0 until it was measured. */
  workPerIteration = 0;

  /** Expected milliseconds between two starts; 0 while unknown. */
  get expected(): number {
    return this.#count < minSamples ? 0 : this.#mean;
  }

  /**
   * Records the time of rejections; milliseconds. To read the requests costs about as much again, or more with a body. Both
   * delay the next start, but are no work of a request: if they were, fewer and fewer requests would start in an iteration,
   * the more rejections there are beside them.
   */
  rejected(ms: number): void {
    this.#rejecting += 2 * ms;
  }

  /** Records an iteration in which requests were started while more may be queued. */
  iteration(at: number, started: number): void {
    if (this.#last && this.#last.started > 0) {
      const elapsed = at - this.#last.at;
      this.#samples[this.#count % maxSamples] = elapsed / this.#last.started;
      this.#workSamples[this.#count % maxSamples] =
        Math.max(0, elapsed - this.#rejecting) / this.#last.started;
      this.#count += 1;
      this.#mean = meanWithoutOutliers(this.#samples);
      const work = meanWithoutOutliers(this.#workSamples);
      this.startsPerIteration = Math.min(maxStarts, Math.max(1, Math.floor(maxWork / work)));
      this.workPerIteration = this.startsPerIteration * work;
    }
    this.#last = { at, started };
    this.#rejecting = 0;
  }

  /** Records that the queue is empty. */
  idle(at: number): void {
    this.iteration(at, 0);
    this.#last = undefined;
    this.#count = 0;
    this.#samples.length = 0;
    this.#workSamples.length = 0;
  }
}

function meanWithoutOutliers(samples: number[]): number {
  const counted = samples.toSorted((a, b) => a - b).slice(0, Math.max(1, samples.length - outliers));
  return counted.reduce((sum, sample) => sum + sample, 0) / counted.length;
}
