import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Priority } from '@slipway/contract-kit/operation';
import { type PlatformProblem, problem, toDocument } from '@slipway/contract-kit/problem';
import { announcesBody } from '../core/request-body.ts';
import { defaultHeaders } from '../http/problem-responses.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** The reason for a rejection: the `reason` label of `http_server_requests_rejected_total`. */
export type Reason = keyof typeof codes;

const codes = {
  /** The queue, or the expected wait in it, is too long. */
  queue_full: 'overloaded',
  /** It reached the maximum queue time, behind requests that go first. */
  too_late: 'overloaded',
  /** The deadline that its client set has passed. */
  deadline: 'too_little_time',
} as const satisfies Record<string, PlatformProblem>;

export const reasons = Object.keys(codes);

/** Seconds after which a rejected client may retry. */
export const retryAfter = 1;

/** Milliseconds for which the rest of a rejected body is read, so that its client can read the response. */
const lingerFor = 5_000;

/** @param receivedAt when the request was received, on the clock of `performance.now()` */
export type Reject = (
  reason: Reason,
  request: IncomingMessage,
  response: ServerResponse,
  receivedAt: number,
) => void;

/**
 * Makes the function that rejects requests which Fastify has not seen, with a prebuilt response and without a log line
 * or a span: a rejection must cost a fraction of the work that it saves. It is counted as a request, or errors would
 * seem to be few under overload.
 *
 * @param priorityOf returns the priority of the operation that a request is for
 */
export function createRejection(
  { rejected, requests, totals }: Pick<Metrics, 'rejected' | 'requests' | 'totals'>,
  priorityOf: (request: IncomingMessage) => Priority,
): Reject {
  const make = (reason: Reason) => ({ counter: rejected.labels(reason), ...prebuild(codes[reason]) });
  const prepared = { queue_full: make('queue_full'), too_late: make('too_late'), deadline: make('deadline') };
  return (reason, request, response, receivedAt) => {
    const { counter, status, headers, body } = prepared[reason];
    counter.inc();
    totals.priorities[priorityOf(request)].rejected += 1;
    if (announcesBody(request)) lingerAfter(request, response);
    response.writeHead(status, headers).end(body);
    const seconds = (performance.now() - receivedAt) / 1_000;
    requests.ended(request.method ?? '', 'rejected', status, seconds);
  };
}

function prebuild(code: PlatformProblem) {
  const answer = problem(code);
  // A string, not a buffer: Node sends it in one packet with the head.
  const body = JSON.stringify(toDocument(answer));
  const length = String(Buffer.byteLength(body));
  const headers = ['content-type', 'application/problem+json', 'content-length', length];
  headers.push(...Object.entries(defaultHeaders).flat());
  if (answer.status === 503) headers.push('retry-after', String(retryAfter));
  return { status: answer.status, headers, body };
}

/** Closes the connection if the body has not ended after `lingerFor`; closing immediately would lose the response. */
function lingerAfter(request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    if (request.complete) return;
    const timer = setTimeout(() => request.socket.destroy(), lingerFor).unref();
    request.once('close', () => clearTimeout(timer));
  });
}
