import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { Totals } from '../telemetry/totals.ts';
import type { BreakerState } from './breaker.ts';

type Parts = { name: string; metrics: Metrics; log?: Logger };

const stateNumbers: Record<BreakerState, number> = { closed: 0, 'half-open': 1, open: 2 };

/** Declares the metrics of the calls to one upstream, except for their duration; each is 0 before the first call. */
export function measureCalls({ name, metrics, log }: Parts) {
  const { breakers, callsRejected, retries } = metrics;
  const totals = new Totals();
  metrics.totals.dependencies.set(name, totals);
  const rejected = {
    breaker: callsRejected.labels(name, 'breaker'),
    bulkhead: callsRejected.labels(name, 'bulkhead'),
    retryBudget: callsRejected.labels(name, 'retry_budget'),
  };
  const retried = retries.labels(name);
  for (const count of [...Object.values(rejected), retried]) count.inc(0);
  const breaker = breakers.labels(name);
  breaker.set(stateNumbers.closed);
  let last: BreakerState = 'closed';
  const series = new Map<string, ReturnType<typeof metrics.dependencies.labels>>();

  /** Returns the histogram of an operation's calls with an outcome: a lookup costs less than labels do. */
  function durations(operation: string, outcome: string) {
    const key = `${operation} ${outcome}`;
    const known = series.get(key) ?? metrics.dependencies.labels(name, operation, outcome);
    series.set(key, known);
    return known;
  }

  return {
    /** Records the duration of a call with all its attempts; milliseconds. */
    ended(operation: string, outcome: string, ms: number): void {
      durations(operation, outcome).observe(ms / 1_000);
      totals.add(ms / 1_000, isFailure(outcome));
    },
    rejected,
    retried,
    inFlight: (count: () => number) => void metrics.callsInFlight.set(name, count),
    /** Sets the breaker's state in the metrics, and logs when it opens first and when it closes. */
    breakerChanged(state: BreakerState): void {
      breaker.set(stateNumbers[state]);
      if (state === 'closed') log?.info({ upstream: name }, 'circuit breaker closed');
      if (state === 'open' && last === 'closed') log?.warn({ upstream: name }, 'circuit breaker opened');
      last = state;
    },
  };
}

/** Returns whether an outcome is the upstream's failure: its status is 5xx, or there was no response. */
const isFailure = (outcome: string) => outcome !== 'ok' && outcome !== 'aborted' && !outcome.startsWith('4');
