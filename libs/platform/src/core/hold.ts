/** Something that several holders share, and that is freed when the last of them has released it. */
export type Hold = {
  /** True once it was freed. */
  readonly isFree: boolean;
  /** Releases it for the first holder. */
  release(): void;
  /** Adds a holder, and returns the function that releases it for that holder; call it once. */
  hold(): () => void;
};

/**
 * Begins with one holder.
 *
 * @param free called once, when the last holder has released it
 * @example
 * const permit = createHold(leave);
 * send(request, permit.hold()); // may outlive this function
 * permit.release();
 */
export function createHold(free: () => void): Hold {
  return new SharedHold(free);
}

/** A class, because making an object with a getter takes eight times as long, and each call makes one. */
class SharedHold implements Hold {
  readonly #free: () => void;
  #holders = 1;

  constructor(free: () => void) {
    this.#free = free;
  }

  get isFree(): boolean {
    return this.#holders === 0;
  }

  readonly release = (): void => {
    this.#holders -= 1;
    if (this.#holders === 0) this.#free();
  };

  hold(): () => void {
    this.#holders += 1;
    return this.release;
  }
}
