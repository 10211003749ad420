import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { BreakerState } from './breaker.ts';

type Parts = { name: string; metrics: Metrics; log?: Logger };

const stateNumbers: Record<BreakerState, number> = { closed: 0, 'half-open': 1, open: 2 };

/** What the calls to one upstream are measured by, apart from their time. All of it shows from the start. */
export function measureCalls({ name, metrics, log }: Parts) {
  const { breakers, callsRefused, retries } = metrics;
  const refused = {
    breaker: callsRefused.labels(name, 'breaker'),
    bulkhead: callsRefused.labels(name, 'bulkhead'),
    retryBudget: callsRefused.labels(name, 'retry_budget'),
  };
  const retried = retries.labels(name);
  for (const count of [...Object.values(refused), retried]) count.inc(0);
  const breaker = breakers.labels(name);
  breaker.set(stateNumbers.closed);
  let last: BreakerState = 'closed';
  return {
    refused,
    retried,
    inFlight: (count: () => number) => void metrics.callsInFlight.set(name, count),
    /** Shows the state of the breaker in the metrics, and the begin and end of a trouble in the log. */
    breakerChanged(state: BreakerState): void {
      breaker.set(stateNumbers[state]);
      if (state === 'closed') log?.info({ upstream: name }, 'circuit breaker closed');
      if (state === 'open' && last === 'closed') log?.warn({ upstream: name }, 'circuit breaker opened');
      last = state;
    },
  };
}
