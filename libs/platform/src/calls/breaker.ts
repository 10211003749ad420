import { problem } from '@slipway/contract-kit/problem';
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
  /** Told of each call that is not made. */
  onRefused?: () => void;
  /** Time until an open breaker lets one call through to try; milliseconds. */
  openMs?: number;
};

export type Breaker = {
  readonly state: BreakerState;
  /**
   * Does `work` unless the breaker is open. `failed` in its result counts against the upstream; an error it
   * throws says nothing about it.
   *
   * @throws {Problem} `unavailable` if it is open.
   */
  run<Result extends { failed: boolean }>(work: () => Promise<Result>): Promise<Result>;
};

/**
 * Stops calling an upstream that keeps failing: opens when more than half of the last 20 calls failed (and
 * there were 5), refuses at once while open, then lets single calls through until one succeeds.
 */
export function createBreaker(service: string, options: BreakerOptions = {}): Breaker {
  const { onChange, onRefused, openMs = 1_000 } = options;
  // A trial that ended in an error, be it that its caller left, has not shown that the upstream is back.
  const failures = handleWhen(() => circuit.state === CircuitState.HalfOpen);
  const circuit = circuitBreaker(
    failures.orWhenResult((result) => (result as { failed: boolean }).failed),
    {
      // The time is kept here: cockatiel's clock is that of the wall, which may be set.
      halfOpenAfter: Number.NEGATIVE_INFINITY,
      breaker: new CountBreaker({ threshold: 0.5, size: 20, minimumNumberOfCalls: 5 }),
    },
  );
  const now = () => performance.now();
  let trialAt = 0;
  circuit.onStateChange((state) => {
    if (state === CircuitState.Open) trialAt = now() + openMs;
    onChange?.(names[state]);
  });

  /** cockatiel lets calls wait for the trial's end; a hanging trial would hold them all. */
  const isShut = () =>
    circuit.state === CircuitState.HalfOpen || (circuit.state === CircuitState.Open && now() < trialAt);

  return {
    get state() {
      return names[circuit.state];
    },
    async run(work) {
      if (isShut()) {
        onRefused?.();
        const retryAfter = Math.max(1, (trialAt - now()) / 1_000);
        throw problem('unavailable', `${service} keeps failing and is left alone for a moment`, {
          retryAfter,
        });
      }
      return circuit.execute(work);
    },
  };
}
