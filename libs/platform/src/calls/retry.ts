import { setTimeout as wait } from 'node:timers/promises';
import { backoff } from '../core/backoff.ts';
import type { Deadline } from './deadline.ts';
import type { RetryBudget } from './retry-budget.ts';

const maxRetries = 2;
/** Delays before retries, unless the upstream asks for a longer one; milliseconds. */
const delays = { base: 100, max: 1_000 };

/** The outcome of an attempt, as far as retries are concerned. */
export type Retryable = {
  /** Whether it failed, and a retry is allowed and may succeed. */
  transient: boolean;
  /** Milliseconds to wait, as the upstream asked. */
  after?: number;
};

type RetryOptions<T> = {
  budget: RetryBudget;
  /** The deadline of the whole call, which ends a wait. Its signal is read only if there is one. */
  deadline: Pick<Deadline, 'left' | 'signal'>;
  /** Called with a result that is discarded. */
  onRetry: (result: T) => void;
  /** Called for each retry that the budget rejects. */
  onRejected?: () => void;
};

/**
 * Retries an attempt with a transient failure, at most twice and only if the deadline and the budget allow it. Returns
 * the result of the last attempt.
 */
export async function withRetries<T extends Retryable>(
  attempt: () => Promise<T>,
  options: RetryOptions<T>,
): Promise<T> {
  const { budget, deadline, onRetry, onRejected } = options;
  budget.deposit();
  for (let retry = 0; ; retry++) {
    const result = await attempt();
    if (!result.transient || retry === maxRetries) return result;
    const pause = Math.max(result.after ?? 0, backoff(retry, delays));
    if (pause >= deadline.left()) return result;
    if (!budget.withdraw()) {
      onRejected?.();
      return result;
    }
    onRetry(result);
    await wait(pause, undefined, { signal: deadline.signal });
  }
}

/** Returns the milliseconds in a `Retry-After` header, which contains seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterOf(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
