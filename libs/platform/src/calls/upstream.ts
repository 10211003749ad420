import { Problem } from '@slipway/contract-kit/problem';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { SpanFacts } from '../telemetry/span.ts';
import { withSpan } from '../telemetry/spans.ts';
import { attempt, describe, type Outcome, type Read } from './attempt.ts';
import { type BreakerState, createBreaker } from './breaker.ts';
import { createBulkhead } from './bulkhead.ts';
import { isStream, type UpstreamRequest, type UpstreamResponse } from './call.ts';
import { callProblem } from './call-fault.ts';
import { measureCalls } from './call-metrics.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import { withRetries } from './retry.ts';
import { createRetryBudget } from './retry-budget.ts';
import { createSender } from './sender.ts';

/** Another service as this one sees it. */
export type Upstream = {
  readonly name: string;
  /** Whether it is being called; `open` means that it keeps failing and is left alone. */
  readonly breaker: BreakerState;
  /**
   * Sends a request and resolves when the head of the answer is there, whatever its status: for bodies that
   * are passed on as they come.
   *
   * @throws {Problem} `unavailable`, `upstream_failed` or `deadline_exceeded`; the signal's reason if it was
   * given up.
   */
  request(request: UpstreamRequest): Promise<UpstreamResponse>;
  /** Like `request`, with the reading of the answer as part of what is timed, repeated and measured. */
  exchange<T>(request: UpstreamRequest, read: Read<T>): Promise<T>;
  close(): Promise<void>;
};

export type UpstreamOptions = {
  name: string;
  /** As `discover` reads it, such as `http://host:port` or `srv+http://_http._tcp.name`. */
  address: string;
  metrics: Metrics;
  log?: Logger;
  /** Longest time of a call that sets none itself; milliseconds. */
  timeoutMs?: number;
  /** Retries that each call pays for; the retry budget's own default if absent. */
  retryRatio?: number;
};

/** Most calls to one upstream that run or wait for a connection. */
const places = 256;

/**
 * Makes the way to another service, with deadline, retries within a budget, circuit breaker, trace and metrics.
 *
 * @throws {StartError} if the address is none.
 * @example
 * const users = createUpstream({ name: 'users', address: 'http://127.0.0.1:4001', metrics });
 * const { statusCode, body } = await users.request({ method: 'GET', path: '/api/v1/users/me' });
 */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { name, metrics, timeoutMs = 5_000 } = options;
  const measured = measureCalls(options);
  const bulkhead = createBulkhead(name, places, () => measured.refused.bulkhead.inc());
  measured.inFlight(() => bulkhead.taken);
  const sender = createSender(name, options.address, bulkhead);
  const breaker = createBreaker(name, {
    onChange: measured.breakerChanged,
    onRefused: () => measured.refused.breaker.inc(),
  });
  const budget = createRetryBudget({ ratio: options.retryRatio });

  /** Each attempt is a span of its own, so that a trace shows the retries. */
  function once<T>(request: UpstreamRequest, deadline: Deadline, read: Read<T>): Promise<Outcome<T>> {
    const { method, operation = method } = request;
    const attributes = { 'http.request.method': method };
    const facts: SpanFacts = { name: `${name} ${operation}`, kind: 'client', peer: name, attributes };
    return withSpan(facts, async (span) => {
      const outcome = await breaker.run(() => attempt(sender, request, deadline, read));
      if (span) describe(outcome, span);
      return outcome;
    });
  }

  async function answerTo<T>(request: UpstreamRequest, deadline: Deadline, read: Read<T>) {
    const outcome = await withRetries(() => once(request, deadline, read), {
      budget,
      left: deadline.left,
      signal: deadline.signal,
      onRefused: () => measured.refused.retryBudget.inc(),
      onRetry(discarded) {
        measured.retried.inc();
        if ('response' in discarded) void discarded.response.body.dump();
      },
    });
    if ('error' in outcome) throw outcome.error;
    return outcome;
  }

  async function call<T>(request: UpstreamRequest, deadline: Deadline, read: Read<T>): Promise<T> {
    const { method, operation = method } = request;
    const end = metrics.dependencies.startTimer({ dependency: name, operation });
    try {
      const { response, value } = await answerTo(request, deadline, read);
      end({ outcome: outcomeOf(response) });
      return value;
    } catch (error) {
      const { aborted, reason: ended } = deadline.signal;
      const reason = aborted ? ended : callProblem(name, error, isStream(request.body));
      end({ outcome: reason instanceof Problem ? reason.code : 'given_up' });
      throw reason;
    }
  }

  return {
    name,
    get breaker() {
      return breaker.state;
    },
    async request(request) {
      const deadline = startDeadline(name, request.timeoutMs ?? timeoutMs, request.signal);
      try {
        const response = await call(request, deadline, async (head) => head);
        response.body.once('close', deadline.clear);
        return response;
      } catch (error) {
        deadline.clear();
        throw error;
      }
    },
    async exchange(request, read) {
      const deadline = startDeadline(name, request.timeoutMs ?? timeoutMs, request.signal);
      try {
        return await call(request, deadline, read);
      } finally {
        deadline.clear();
      }
    },
    close: () => sender.close(),
  };
}

function outcomeOf({ statusCode }: UpstreamResponse): string {
  return statusCode < 400 ? 'ok' : String(statusCode);
}
