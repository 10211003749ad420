/** Turns of the loop after which the pace of a busy time is known: the first ones may hold cold code. */
const needed = 8;
/** The pace is that of so many turns. */
const remembered = 64;
/** The longest of them do not count: a pause of the process or of the machine is not the pace of its work. */
const pauses = 2;
/** Milliseconds of work that are started in one turn of the loop. */
const perTurn = 1;
/** However small they are: the next ones may be larger. */
const mostStarts = 16;

/**
 * Measures how fast a queue moves: milliseconds from one start to the next, whatever takes them (the requests
 * themselves, their store, the garbage collector). The time from turn to turn is divided by what was started in
 * it, because most of a request's work is done in callbacks after its start. Each busy time is measured anew, so
 * that a cold start does not count against the next one.
 */
export class Pace {
  readonly #samples: number[] = [];
  #mean = 0;
  #turns = 0;
  #last: { at: number; started: number } | undefined;
  /** How many requests may start in one turn; one until it is known that they are small. */
  startsPerTurn = 1;

  /** Expected milliseconds between two starts; 0 while nothing is known. */
  get interval(): number {
    return this.#turns < needed ? 0 : this.#mean;
  }

  /** Notes a turn of the loop in which requests were started, and more may wait. */
  turn(at: number, started: number): void {
    if (this.#last && this.#last.started > 0) {
      this.#samples[this.#turns % remembered] = (at - this.#last.at) / this.#last.started;
      this.#turns += 1;
      this.#mean = meanWithoutPauses(this.#samples);
      this.startsPerTurn = Math.min(mostStarts, Math.max(1, Math.floor(perTurn / this.#mean)));
    }
    this.#last = { at, started };
  }

  /** Notes that nobody waits any more. */
  rest(at: number): void {
    this.turn(at, 0);
    this.#last = undefined;
    this.#turns = 0;
    this.#samples.length = 0;
  }
}

function meanWithoutPauses(samples: number[]): number {
  const counted = samples.toSorted((a, b) => a - b).slice(0, Math.max(1, samples.length - pauses));
  return counted.reduce((sum, sample) => sum + sample, 0) / counted.length;
}
