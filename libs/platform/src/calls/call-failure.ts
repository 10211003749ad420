import { Problem, problem } from '@slipway/contract-kit/problem';

/**
 * Failures for which an upstream is responsible: no connection could be made, it broke, or the response was invalid.
 */
export type Failure = 'unreachable' | 'connection_error' | 'invalid_response';

const connecting = new Set(['connect', 'getaddrinfo', 'querySrv', 'queryA', 'queryAaaa']);
const exchanging = new Set(['read', 'write']);
const notHttp = new Set(['HTTPParserError', 'HeadersOverflowError', 'ResponseContentLengthMismatchError']);

/** Classifies an error of a call; returns `undefined` if the upstream is not responsible for it. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof AggregateError) {
    return error.errors.map(failureOf).find((failure) => failure !== undefined);
  }
  if (error instanceof Problem) return error.code === 'upstream_failed' ? 'invalid_response' : undefined;
  const { name = '', code = '', syscall = '' } = error as { name?: string; code?: string; syscall?: string };
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || connecting.has(syscall)) return 'unreachable';
  if (code === 'UND_ERR_SOCKET' || exchanging.has(syscall)) return 'connection_error';
  return notHttp.has(name) ? 'invalid_response' : undefined;
}

/**
 * Returns the problem that a failed call means to the caller of this service; other errors are returned as they are.
 *
 * @param streamed whether the request had a streamed body, which may be what failed
 */
export function callProblem(service: string, error: unknown, streamed: boolean): unknown {
  if (error instanceof Problem) return error;
  switch (failureOf(error)) {
    case 'unreachable':
      return problem('unavailable', `${service} cannot be reached`, { retryAfter: 1, cause: error });
    case 'connection_error':
      return problem('upstream_failed', `The connection to ${service} broke`, { cause: error });
    case 'invalid_response':
      return problem('upstream_failed', `The response of ${service} is not valid HTTP`, { cause: error });
    default:
      return streamed && !isMisuse(error)
        ? problem('invalid_request', 'The request body ended early', { cause: error })
        : error;
  }
}

/** Returns whether this service itself has made an invalid request. */
function isMisuse(error: unknown): boolean {
  return (error as { code?: string }).code === 'UND_ERR_INVALID_ARG';
}
