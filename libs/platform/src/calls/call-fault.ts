import { Problem, problem } from '@slipway/contract-kit/problem';

/**
 * How an upstream failed a call: it was never connected, it broke the connection off, or it sent what is not
 * the answer it should be.
 */
export type Fault = 'unreached' | 'broken' | 'garbled';

const connecting = new Set(['connect', 'getaddrinfo', 'querySrv']);
const exchanging = new Set(['read', 'write']);
const notHttp = new Set(['HTTPParserError', 'HeadersOverflowError', 'ResponseContentLengthMismatchError']);

/** The upstream's fault in an error; `undefined` if the error is not the upstream's. */
export function faultOf(error: unknown): Fault | undefined {
  if (error instanceof AggregateError) return error.errors.map(faultOf).find((fault) => fault !== undefined);
  if (error instanceof Problem) return error.code === 'upstream_failed' ? 'garbled' : undefined;
  const { name = '', code = '', syscall = '' } = error as { name?: string; code?: string; syscall?: string };
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || connecting.has(syscall)) return 'unreached';
  if (code === 'UND_ERR_SOCKET' || exchanging.has(syscall)) return 'broken';
  return notHttp.has(name) ? 'garbled' : undefined;
}

/**
 * The problem that a failed call means to the caller of this service; other errors stay what they are.
 *
 * @param streamed whether the request had a streamed body, which may be what failed
 */
export function callProblem(service: string, error: unknown, streamed: boolean): unknown {
  if (error instanceof Problem) return error;
  switch (faultOf(error)) {
    case 'unreached':
      return problem('unavailable', `${service} cannot be reached`, { retryAfter: 1, cause: error });
    case 'broken':
      return problem('upstream_failed', `${service} broke off the exchange`, { cause: error });
    case 'garbled':
      return problem('upstream_failed', `${service} sent what cannot be read`, { cause: error });
    default:
      return streamed && !isMisuse(error)
        ? problem('invalid_request', 'The request body broke off', { cause: error })
        : error;
  }
}

function isMisuse(error: unknown): boolean {
  return (error as { code?: string }).code === 'UND_ERR_INVALID_ARG';
}
