import { setTimeout as wait } from 'node:timers/promises';
import { backoff } from '../core/backoff.ts';
import type { RetryBudget } from './retry-budget.ts';

const maxRetries = 2;
/** Delays before retries, where the upstream asks for none; milliseconds. */
const delays = { base: 100, max: 1_000 };

/** What came of an attempt, as far as a retry is concerned. */
export type Repeatable = {
  /** Whether it failed in a way that may pass, and may be repeated. */
  transient: boolean;
  /** Milliseconds that the upstream asked to wait. */
  after?: number;
};

type RetryOptions<T> = {
  budget: RetryBudget;
  /** Milliseconds until the whole call must be over. */
  left: () => number;
  signal: AbortSignal;
  /** Called with a result that is thrown away. */
  onRetry: (result: T) => void;
  /** Told of each retry that the budget forbids. */
  onRefused?: () => void;
};

/**
 * Repeats what failed in a way that may pass, at most twice, while the deadline and the budget allow it. The
 * last attempt's result stands.
 */
export async function withRetries<T extends Repeatable>(
  attempt: () => Promise<T>,
  { budget, left, signal, onRetry, onRefused }: RetryOptions<T>,
): Promise<T> {
  budget.deposit();
  for (let retry = 0; ; retry++) {
    const result = await attempt();
    if (!result.transient || retry === maxRetries) return result;
    const pause = Math.max(result.after ?? 0, backoff(retry, delays));
    if (pause >= left()) return result;
    if (!budget.withdraw()) {
      onRefused?.();
      return result;
    }
    onRetry(result);
    await wait(pause, undefined, { signal });
  }
}

/** Milliseconds of a `Retry-After` header, which holds seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterOf(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
