type RetryBudgetOptions = {
  /** Retries that each call adds. Default: 0.1, as in Google's SRE book, "Handling Overload". */
  ratio?: number;
  /** Retries a second that are allowed however few calls there are. Default: 1. */
  reserve?: number;
  /** Maximum number of retries that can be saved up. Default: 10. */
  capacity?: number;
  /** Returns the milliseconds of a monotonic clock. */
  now?: () => number;
};

export type RetryBudget = {
  /** Adds what a first attempt allows. */
  deposit(): void;
  /** Takes one retry; returns false when none is left. */
  withdraw(): boolean;
  /** Returns the number of retries that are left. */
  left(): number;
};

/**
 * Bounds retries by the number of calls, so that an upstream in trouble gets at most a tenth more load instead of
 * three times as much. It is a token bucket, like Finagle's `RetryBudget`.
 *
 * @example
 * const budget = createRetryBudget();
 * budget.deposit();
 * if (failed && budget.withdraw()) await retry();
 */
export function createRetryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  const { ratio = 0.1, reserve = 1, capacity = 10, now = performance.now.bind(performance) } = options;
  let balance = capacity;
  let filledAt = now();

  function refill(): void {
    const at = now();
    balance = Math.min(capacity, balance + ((at - filledAt) / 1_000) * reserve);
    filledAt = at;
  }

  return {
    deposit() {
      balance = Math.min(capacity, balance + ratio);
    },
    withdraw() {
      refill();
      if (balance < 1) return false;
      balance -= 1;
      return true;
    },
    left() {
      refill();
      return balance;
    },
  };
}
