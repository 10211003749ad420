import type { Span } from '@opentelemetry/api';
import { failSpan, failureName } from '../telemetry/spans.ts';
import { isRetryable, type UpstreamRequest, type UpstreamResponse } from './call.ts';
import { failureOf } from './call-failure.ts';
import type { Deadline } from './deadline.ts';
import { type Retryable, retryAfterOf } from './retry.ts';
import type { Sender } from './sender.ts';

/** A rejection that took longer is not retried; milliseconds. */
const fastRejection = 500;

/** Reads as much of a response as belongs to the attempt. */
export type Read<T> = (response: UpstreamResponse) => T | Promise<T>;

/** The outcome of an attempt: a response, whatever its status, or an error for which the upstream is responsible. */
export type Outcome<T> = Retryable & {
  /** Whether it counts against the upstream. */
  failed: boolean;
} & ({ response: UpstreamResponse; value: T } | { error: unknown });

/**
 * Sends a request once and classifies the outcome.
 *
 * @throws errors for which the upstream is not responsible, such as an abort by the caller or too little time.
 */
export async function attempt<T>(
  sender: Sender,
  request: UpstreamRequest,
  deadline: Deadline,
  read: Read<T>,
): Promise<Outcome<T>> {
  const began = performance.now();
  try {
    const response = await sender.send(request, deadline);
    const value = await read(response);
    // A slow rejection is not retried: the upstream was already waiting for something, and a retry would double its load.
    const isFast = performance.now() - began < fastRejection;
    const transient = isFast && isRetryable(request) && isTransient(response);
    const after = retryAfterOf(response.headers['retry-after']);
    return { failed: isFailing(response, deadline), transient, after, response, value };
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined && !deadline.overdue()) throw error;
    const transient = isRetryable(request) && (failure === 'unreachable' || failure === 'connection_error');
    return { failed: true, transient, error };
  }
}

/**
 * Returns whether a retry may get another response. A 409 with `Retry-After` means that the service still works on the
 * first attempt, whose response was lost.
 */
function isTransient({ statusCode, headers }: UpstreamResponse): boolean {
  if (statusCode === 409) return headers['retry-after'] !== undefined;
  return statusCode === 502 || statusCode === 503 || statusCode === 504;
}

/**
 * Returns whether a response counts against the upstream. A 502 or 503 with a problem document does not: the service
 * runs and has made a decision, and a breaker that opened on its rejections would turn a busy service into none. A 504
 * does if the upstream had enough time, because it has used all of it.
 */
function isFailing({ statusCode, headers }: UpstreamResponse, deadline: Deadline): boolean {
  if (statusCode === 504) return deadline.fair();
  if (statusCode !== 502 && statusCode !== 503) return false;
  return !headers['content-type']?.startsWith('application/problem+json');
}

/** Records the outcome of an attempt on its span. */
export function describe(outcome: Outcome<unknown>, span: Span): void {
  if ('error' in outcome) {
    failSpan(span, failureName(outcome.error));
    return;
  }
  const { statusCode } = outcome.response;
  span.setAttribute('http.response.status_code', statusCode);
  if (statusCode >= 500) failSpan(span, String(statusCode));
}
