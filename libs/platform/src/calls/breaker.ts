import { type Problem, problem } from '@slipway/contract-kit/problem';
import { CircuitState, CountBreaker, circuitBreaker, handleWhen } from 'cockatiel';

export type BreakerState = 'closed' | 'half-open' | 'open';

const names: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
};

type BreakerOptions = {
  onChange?: (state: BreakerState) => void;
  /** Called for each call that is rejected. */
  onRejected?: () => void;
  /** Milliseconds after which an open breaker lets one trial call through. */
  openMs?: number;
};

export type Breaker = {
  readonly state: BreakerState;
  /**
   * Runs `work` unless the breaker is open. A result with `failed` counts against the upstream; an error that `work`
   * throws does not, but it ends a trial without success.
   *
   * @param mayTry whether this call may be the trial of an open breaker: its outcome must depend on the upstream alone, or
   *   a client that sends its body slowly would keep all others waiting. One other call in `openMs` passes beside the
   *   trials: where all calls are uploads, an open breaker would otherwise never close.
   * @throws {Problem} `unavailable` if the breaker is open or another call is its trial.
   */
  run<Result extends { failed: boolean }>(work: () => Promise<Result>, mayTry?: boolean): Promise<Result>;
};

/**
 * Stops calls to an upstream that keeps failing. The breaker opens when more than half of the last 20 calls failed (and
 * there were at least 5), rejects calls immediately while open, and then lets single calls through until one succeeds.
 */
export function createBreaker(service: string, options: BreakerOptions = {}): Breaker {
  const { onChange, onRejected, openMs = 1_000 } = options;
  // A trial call that ended with any error, even because its caller aborted it, has not shown that the upstream works.
  const failures = handleWhen(() => circuit.state === CircuitState.HalfOpen);
  const circuit = circuitBreaker(
    failures.orWhenResult((result) => (result as { failed: boolean }).failed),
    {
      // The time is measured here, because cockatiel uses the wall clock, which may be set.
      halfOpenAfter: Number.NEGATIVE_INFINITY,
      breaker: new CountBreaker({ threshold: 0.5, size: 20, minimumNumberOfCalls: 5 }),
    },
  );
  const now = () => performance.now();
  let trialAt = 0;
  let besideAt = 0;
  circuit.onStateChange((state) => {
    if (state === CircuitState.Open) trialAt = now() + openMs;
    onChange?.(names[state]);
  });

  /** Returns whether to reject a call. During a trial, cockatiel would make it wait, and the trial may hang. */
  const isShut = (mayTry: boolean) =>
    circuit.state === CircuitState.HalfOpen || now() < (mayTry ? trialAt : Math.max(trialAt, besideAt));

  /** Runs a call that is no trial. If it succeeds, the breaker closes. */
  async function besideTrials<Result extends { failed: boolean }>(
    work: () => Promise<Result>,
  ): Promise<Result> {
    besideAt = now() + openMs;
    const result = await work();
    const succeeded = !result.failed && circuit.state === CircuitState.Open;
    return succeeded ? circuit.execute(async () => result) : result;
  }

  function rejection(): Problem {
    onRejected?.();
    const retryAfter = Math.max(1, (trialAt - now()) / 1_000);
    return problem('unavailable', `${service} keeps failing and is not called for a moment`, { retryAfter });
  }

  return {
    get state() {
      return names[circuit.state];
    },
    run(work, mayTry = true) {
      if (circuit.state === CircuitState.Closed) return circuit.execute(work);
      if (isShut(mayTry)) return Promise.reject(rejection());
      if (!mayTry) return besideTrials(work);
      return circuit.execute(work).catch((error: unknown) => {
        // A trial that ended with an error has shown nothing: the next call may be one immediately.
        trialAt = now();
        throw error;
      });
    },
  };
}
