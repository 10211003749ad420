/**
 * How the requests of a load ended. Those that are `unsent` were due while the maximum was in flight, or while the thread
 * stood still.
 */
export const outcomes = ['answered', 'rejected', 'late', 'failed', 'unsent'] as const;
export type Outcome = (typeof outcomes)[number];

/** The number of requests that were sent, and how they ended. Those in flight have not ended. */
export type Counts = { sent: number } & Record<Outcome, number>;

const fields = ['sent', ...outcomes] as const;

/**
 * Counts requests in memory that two threads share: the one that sends them adds, and the other one reads at any time,
 * also after the first has ended.
 */
export class SharedCounts {
  readonly buffer: SharedArrayBuffer;
  readonly #counts: Uint32Array;

  constructor(buffer = new SharedArrayBuffer(fields.length * Uint32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#counts = new Uint32Array(buffer);
  }

  add(field: keyof Counts): void {
    Atomics.add(this.#counts, fields.indexOf(field), 1);
  }

  read(): Counts {
    const counts = fields.map((field, index) => [field, Atomics.load(this.#counts, index)]);
    return Object.fromEntries(counts) as Counts;
  }
}
