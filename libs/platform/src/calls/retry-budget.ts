/** How many retries are allowed; the defaults follow Google's SRE book, "Handling Overload": a tenth of the calls. */
type RetryBudgetOptions = {
  /** Retries that each call pays for. */
  ratio?: number;
  /** Retries a second that are allowed however few calls there are. */
  reserve?: number;
  /** Most retries that can be saved up. */
  capacity?: number;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
};

export type RetryBudget = {
  /** Notes a first attempt. */
  deposit(): void;
  /** Takes one retry out; false when there is none left. */
  withdraw(): boolean;
};

/**
 * Bounds retries by the number of calls, so that an upstream in trouble gets a tenth more load and not
 * three times as much. A token bucket, as Finagle's `RetryBudget` is.
 *
 * @example
 * const budget = createRetryBudget();
 * budget.deposit();
 * if (failed && budget.withdraw()) await again();
 */
export function createRetryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  const { ratio = 0.1, reserve = 1, capacity = 10, now = performance.now.bind(performance) } = options;
  let balance = capacity;
  let filledAt = now();

  return {
    deposit() {
      balance = Math.min(capacity, balance + ratio);
    },
    withdraw() {
      const at = now();
      balance = Math.min(capacity, balance + ((at - filledAt) / 1_000) * reserve);
      filledAt = at;
      if (balance < 1) return false;
      balance -= 1;
      return true;
    },
  };
}
