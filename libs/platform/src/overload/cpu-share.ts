import process from 'node:process';

/** Share of a processor below which a busy process is slow because of neighbours or a CPU limit, not its requests. */
const starvedBelow = 0.5;
/** Minimum time over which the share is measured; milliseconds. */
const minPeriod = 100;
/** Time for which a measurement is valid: a pause says nothing about the next load; milliseconds. */
const validFor = 10_000;

/** Returns the CPU time of the event loop's thread; milliseconds. */
const ownCpuTime = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};

/**
 * Measures the share of a processor that the event loop gets while it is busy. A busy loop gets all of one, unless
 * other processes compete for it, as when several pods start on the same node, or a CPU limit throttles it.
 *
 * @example
 * const share = new CpuShare();
 * share.busy(performance.now()); // in each iteration that had work
 * if (share.isStarved(performance.now())) allowMoreTime();
 */
export class CpuShare {
  readonly #cpuTime: () => number;
  #since: { at: number; cpu: number } | undefined;
  #starvedAt = Number.NEGATIVE_INFINITY;

  /** @param cpuTime returns the CPU time that was used so far; milliseconds */
  constructor(cpuTime = ownCpuTime) {
    this.#cpuTime = cpuTime;
  }

  /** Records that the loop has been busy since the last call. */
  busy(now: number): void {
    const since = this.#since;
    if (since && now - since.at < minPeriod) return;
    const cpu = this.#cpuTime();
    if (since) {
      const isStarved = (cpu - since.cpu) / (now - since.at) < starvedBelow;
      this.#starvedAt = isStarved ? now : Number.NEGATIVE_INFINITY;
    }
    this.#since = { at: now, cpu };
  }

  /** Returns whether the event loop got less than half of a processor when it was last busy, if that was not long ago. */
  isStarved(now: number): boolean {
    return now - this.#starvedAt < validFor;
  }

  /** Records that the loop is idle, so that the time until it is busy again does not count. */
  idle(): void {
    this.#since = undefined;
  }
}
