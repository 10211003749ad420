import { Problem, problem } from '@slipway/contract-kit/problem';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type SpanFacts, withSpan } from '../telemetry/spans.ts';
import { attempt, describe, type Outcome, type Read } from './attempt.ts';
import { type Breaker, type BreakerState, createBreaker } from './breaker.ts';
import { isStream, type UpstreamRequest, type UpstreamResponse } from './call.ts';
import { callProblem } from './call-failure.ts';
import { measureCalls } from './call-metrics.ts';
import { type Deadline, startDeadline } from './deadline.ts';
import { withRetries } from './retry.ts';
import { createRetryBudget, type RetryBudget } from './retry-budget.ts';
import { createSender, type Sender } from './sender.ts';

/** Another service, as this one calls it. */
export type Upstream = {
  readonly name: string;
  /** The state of the circuit breaker; `open` means that the service keeps failing and is not called. */
  readonly breaker: BreakerState;
  /** The number of retries that the retry budget allows now. */
  readonly retriesLeft: number;
  /**
   * Sends a request and resolves when the head of the response has arrived, whatever its status: for bodies that
   * are passed on as streams.
   *
   * @throws {Problem} with a code of docs/calls.md, "How it fails"; the signal's reason if the caller aborted the
   * request.
   */
  request(request: UpstreamRequest): Promise<UpstreamResponse>;
  /** Like `request`, but reading the response belongs to the attempt: it is timed, retried and measured with it. */
  exchange<T>(request: UpstreamRequest, read: Read<T>): Promise<T>;
  close(): Promise<void>;
};

export type UpstreamOptions = {
  name: string;
  /** As `discover` reads it, such as `http://host:port` or `srv+http://_http._tcp.name`. */
  address: string;
  metrics: Metrics;
  log?: Logger;
  /** Timeout of a call that sets none itself; milliseconds. */
  timeoutMs?: number;
  /** Retries that a call adds to the retry budget; the budget's default if absent. */
  retryRatio?: number;
};

/**
 * Makes the client of another service, with deadlines, retries within a budget, a circuit breaker, traces and metrics.
 *
 * @throws {StartError} if the address has none of the forms that `discover` reads.
 * @example
 * const users = createUpstream({ name: 'users', address: 'http://127.0.0.1:4001', metrics });
 * const { statusCode, body } = await users.request({ method: 'GET', path: '/api/v1/users/me' });
 */
export function createUpstream(options: UpstreamOptions): Upstream {
  const parts = createParts(options);
  const { name, breaker, budget, sender } = parts;
  return {
    name,
    get breaker() {
      return breaker.state;
    },
    get retriesLeft() {
      return Math.floor(budget.left());
    },
    request: (request) => untilBodyEnds(parts, request),
    exchange: (request, read) => untilRead(parts, request, read),
    close: () => sender.close(),
  };
}

/** The parts that all calls to one upstream share. */
type Parts = Pick<UpstreamOptions, 'name'> & {
  timeoutMs: number;
  counts: ReturnType<typeof measureCalls>;
  budget: RetryBudget;
  breaker: Breaker;
  sender: Sender;
};

function createParts(options: UpstreamOptions): Parts {
  const { name, address, timeoutMs = 5_000, retryRatio } = options;
  const counts = measureCalls(options);
  const budget = createRetryBudget({ ratio: retryRatio });
  const breaker = createBreaker(name, {
    onChange: counts.breakerChanged,
    onRejected: () => counts.rejected.breaker.inc(),
  });
  const sender = createSender(name, address, () => counts.rejected.bulkhead.inc());
  counts.inFlight(() => sender.used);
  return { name, timeoutMs, counts, budget, breaker, sender };
}

/** One call: a request, the time it has, and how its response is read. */
type Call<T> = { request: UpstreamRequest; deadline: Deadline; read: Read<T> };

// The steps of a call in order; docs/calls.md explains each.

const headOnly: Read<UpstreamResponse> = (head) => head;

/** The deadline for a response that is passed on: it holds until the body has ended. */
async function untilBodyEnds(parts: Parts, request: UpstreamRequest): Promise<UpstreamResponse> {
  const deadline = deadlineOf(parts, request);
  try {
    const response = await measured(parts, { request, deadline, read: headOnly });
    response.body.onClose(() => deadline.clear());
    return response;
  } catch (error) {
    deadline.clear();
    throw error;
  }
}

/** The deadline for a response that is read here: it holds until `read` is done. */
async function untilRead<T>(parts: Parts, request: UpstreamRequest, read: Read<T>): Promise<T> {
  const deadline = deadlineOf(parts, request);
  try {
    return await measured(parts, { request, deadline, read });
  } finally {
    deadline.clear();
  }
}

function deadlineOf({ name, timeoutMs }: Parts, request: UpstreamRequest): Deadline {
  const body = isStream(request.body) ? request.body : undefined;
  return startDeadline(name, request.timeoutMs ?? timeoutMs, request.signal, body);
}

/** Times the call with all its attempts, and turns its failure into a problem. */
async function measured<T>(parts: Parts, call: Call<T>): Promise<T> {
  const { name, counts } = parts;
  const { request, deadline } = call;
  const { method, operation = method } = request;
  const began = performance.now();
  const end = (outcome: string) => counts.ended(operation, outcome, performance.now() - began);
  try {
    const outcome = await retried(parts, call);
    if ('error' in outcome) throw outcome.error;
    const { response, value } = outcome;
    if (isOutOfTime(response, request)) {
      response.body.destroy();
      throw problem('deadline_exceeded', `The time that was left for ${name} was too short`);
    }
    end(outcomeOf(response));
    return value;
  } catch (error) {
    const { ended } = deadline;
    const reason = ended ? ended.reason : callProblem(name, error, isStream(request.body));
    end(reason instanceof Problem ? reason.code : 'aborted');
    throw reason;
  }
}

/** Returns whether an upstream reports (408) that it had too little time. For a streamed body, its client may be slow. */
function isOutOfTime({ statusCode }: UpstreamResponse, { body }: UpstreamRequest): boolean {
  return statusCode === 408 && !isStream(body);
}

function outcomeOf({ statusCode }: UpstreamResponse): string {
  return statusCode < 400 ? 'ok' : String(statusCode);
}

/** Retries, and their budget. */
function retried<T>(parts: Parts, call: Call<T>): Promise<Outcome<T>> {
  const { budget, counts } = parts;
  const { deadline } = call;
  return withRetries(() => once(parts, call), {
    budget,
    deadline,
    onRejected: () => counts.rejected.retryBudget.inc(),
    onRetry(discarded) {
      counts.retried.inc();
      if ('response' in discarded) void discarded.response.body.dump();
    },
  });
}

/**
 * An attempt passes the breaker, and then the bulkhead and an address (in `attempt`). Each attempt is a span of its own,
 * so that a trace shows the retries.
 */
function once<T>({ name, breaker, sender }: Parts, call: Call<T>): Promise<Outcome<T>> {
  const { request, deadline, read } = call;
  const { method, operation = method, file } = request;
  const attributes = { 'http.request.method': method };
  const facts: SpanFacts = { name: `${name} ${operation}`, kind: 'client', peer: name, attributes, file };
  return withSpan(facts, async (span) => {
    const outcome = await breaker.run(
      () => attempt(sender, request, deadline, read),
      !isStream(request.body) && deadline.fair(),
    );
    if (span) describe(outcome, span);
    return outcome;
  });
}
