type BackoffOptions = {
  /** Longest delay before the first retry; each further retry doubles it. Milliseconds. */
  base: number;
  /** Longest delay before any retry; milliseconds. */
  max: number;
  /** Returns a number from 0 to less than 1. */
  random?: () => number;
};

/**
 * Returns the delay before a retry: exponential backoff with full jitter, so that clients that failed at the same
 * moment do not retry at the same moment.
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 *
 * @param retry 0 for the first retry
 * @returns milliseconds
 * @example
 * await wait(backoff(retry, { base: 100, max: 1_000 }));
 */
export function backoff(retry: number, { base, max, random = Math.random }: BackoffOptions): number {
  return random() * Math.min(max, base * 2 ** retry);
}
