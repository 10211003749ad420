/** Turns of the loop after which the pace of a busy time is known: the first ones may hold a pause or cold code. */
const needed = 8;
/** Weight of the newest turn in the mean. */
const weight = 0.05;
/** Milliseconds of work that are started in one turn of the loop. */
const perTurn = 1;
/** However small they are: the next ones may be larger. */
const mostStarts = 16;

/**
 * Measures how fast a queue moves: milliseconds from one start to the next, whatever takes them (the requests
 * themselves, their store, the garbage collector). The time from turn to turn is divided by what was started in
 * it, because most of a request's work is done in callbacks after its start. Each busy time is measured anew, so
 * that a cold start or a pause does not count against the next one.
 */
export class Pace {
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
      const sample = (at - this.#last.at) / this.#last.started;
      this.#turns += 1;
      this.#mean += (sample - this.#mean) * Math.max(weight, 1 / this.#turns);
      this.startsPerTurn = Math.min(mostStarts, Math.max(1, Math.floor(perTurn / this.#mean)));
    }
    this.#last = { at, started };
  }

  /** Notes that nobody waits any more. */
  rest(at: number): void {
    this.turn(at, 0);
    this.#last = undefined;
    this.#turns = 0;
  }
}
