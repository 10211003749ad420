import type { IncomingMessage, ServerResponse } from 'node:http';
import { type PlatformProblem, problem, toDocument } from '@slipway/contract-kit/problem';
import { defaultHeaders } from '../http/problem-responses.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Why a request was not let in; the label of `http_server_requests_refused_total`. */
export type Reason = keyof typeof codes;

const codes = {
  /** More is waiting than can be served in time. */
  queue_full: 'overloaded',
  /** It has waited in vain, behind others that go first. */
  too_late: 'overloaded',
  /** The deadline that its caller set has passed. */
  deadline: 'deadline_exceeded',
} as const satisfies Record<string, PlatformProblem>;

export const reasons = Object.keys(codes);

/** Seconds after which a refused caller may come again. */
export const retryAfter = 1;

/** Milliseconds for which the rest of a refused body is read, so that its sender can read the answer. */
const lingerFor = 5_000;

export type Refuse = (reason: Reason, request: IncomingMessage, response: ServerResponse) => void;

/**
 * Makes the refusal of requests that Fastify has not seen: one prepared answer, no log line, no span. It must cost
 * a fraction of the work that it saves. As a request it counts like any other, or errors would be few under overload.
 */
export function createRefusal({ refused, requests }: Pick<Metrics, 'refused' | 'requests'>): Refuse {
  const answers = new Map(Object.entries(codes).map(([reason, code]) => [reason, prepare(code)]));
  const counters = new Map(Object.keys(codes).map((reason) => [reason, refused.labels(reason)]));
  return (reason, request, response) => {
    counters.get(reason)?.inc();
    const { status, headers, body } = answers.get(reason) ?? prepare(codes[reason]);
    if (!request.complete && hasBody(request)) lingerAfter(request, response);
    response.writeHead(status, headers).end(body);
    requests.ended(request.method ?? '', 'refused', status, 0);
  };
}

function prepare(code: PlatformProblem) {
  const answer = problem(code);
  // Text, not bytes: Node sends it in one piece with the head.
  const body = JSON.stringify(toDocument(answer));
  const length = String(Buffer.byteLength(body));
  const headers = ['content-type', 'application/problem+json', 'content-length', length];
  headers.push(...Object.entries(defaultHeaders).flat());
  if (answer.status === 503) headers.push('retry-after', String(retryAfter));
  return { status: answer.status, headers, body };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Node reads and drops what is left of the body; closing at once would reset the connection with the answer. */
function lingerAfter(request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    if (request.complete) return;
    const timer = setTimeout(() => request.complete || request.socket.destroy(), lingerFor).unref();
    request.once('close', () => clearTimeout(timer));
  });
}
