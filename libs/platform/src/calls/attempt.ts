import type { Span } from '@opentelemetry/api';
import { failSpan, failureName } from '../telemetry/spans.ts';
import { isRepeatable, type UpstreamRequest, type UpstreamResponse } from './call.ts';
import { faultOf } from './call-fault.ts';
import type { Deadline } from './deadline.ts';
import { type Repeatable, retryAfterOf } from './retry.ts';
import type { Sender } from './sender.ts';

/** A refusal that took longer is not asked for again; milliseconds. */
const quick = 500;

/** Reads an answer as far as its caller wants it before the attempt counts as over. */
export type Read<T> = (response: UpstreamResponse) => Promise<T>;

/** What came of an attempt: an answer, whatever its status, or an error that is the upstream's fault. */
export type Outcome<T> = Repeatable & {
  /** Whether it counts against the upstream. */
  failed: boolean;
} & ({ response: UpstreamResponse; value: T } | { error: unknown });

/**
 * Sends a request once and judges what came of it.
 *
 * @throws whatever is not the upstream's fault: the caller gave up, or was in too much of a hurry.
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
    // Who took long to refuse has waited for something itself: again would only take as long, and load it twice.
    const isQuick = performance.now() - began < quick;
    const transient = isQuick && isRepeatable(request) && isTransient(response);
    const after = retryAfterOf(response.headers['retry-after']);
    return { failed: isFailing(response), transient, after, response, value };
  } catch (error) {
    const fault = faultOf(error);
    if (fault === undefined && !deadline.overdue()) throw error;
    const transient = isRepeatable(request) && (fault === 'unreached' || fault === 'broken');
    return { failed: true, transient, error };
  }
}

/**
 * Whether a repetition may get another answer. A 409 with `Retry-After` is that of a service that is still busy
 * with the first attempt, whose answer was lost on the way.
 */
function isTransient({ statusCode, headers }: UpstreamResponse): boolean {
  if (statusCode === 409) return headers['retry-after'] !== undefined;
  return statusCode === 502 || statusCode === 503 || statusCode === 504;
}

/**
 * Whether an answer counts against its upstream. A 502 or 503 in a problem document does not: the service is
 * there and has decided, and a breaker that opened on its refusals would turn a busy service into none. A 504
 * does: it cost its whole time.
 */
function isFailing({ statusCode, headers }: UpstreamResponse): boolean {
  if (statusCode === 504) return true;
  if (statusCode !== 502 && statusCode !== 503) return false;
  return !headers['content-type']?.startsWith('application/problem+json');
}

/** Puts the outcome of an attempt on its span. */
export function describe(outcome: Outcome<unknown>, span: Span): void {
  if ('error' in outcome) {
    failSpan(span, failureName(outcome.error));
    return;
  }
  const { statusCode } = outcome.response;
  span.setAttribute('http.response.status_code', statusCode);
  if (statusCode >= 500) failSpan(span, String(statusCode));
}
