import { Problem, problem } from './errors.ts';

/**
 * How an upstream failed a call: it was never connected, it broke the connection off, or it sent what is not
 * the answer it should be.
 */
export type Fault = 'unreached' | 'broken' | 'garbled';

const connecting = new Set(['connect', 'getaddrinfo', 'querySrv']);
const exchanging = new Set(['read', 'write']);
const garbled = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH']);

/** The upstream's fault in an error; `undefined` if the error is not the upstream's. */
export function faultOf(error: unknown): Fault | undefined {
  if (error instanceof AggregateError) return error.errors.map(faultOf).find((fault) => fault !== undefined);
  if (error instanceof Problem) return error.code === 'upstream_failed' ? 'garbled' : undefined;
  const { code = '', syscall = '' } = error as { code?: string; syscall?: string };
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || connecting.has(syscall)) return 'unreached';
  if (code === 'UND_ERR_SOCKET' || exchanging.has(syscall)) return 'broken';
  if (code.startsWith('HPE_') || garbled.has(code)) return 'garbled';
  return undefined;
}

/** The problem that a failed call means to the caller of this service; other errors stay what they are. */
export function callProblem(service: string, error: unknown): unknown {
  if (error instanceof Problem) return error;
  const fault = faultOf(error);
  if (fault === undefined) return error;
  if (fault === 'unreached') {
    return problem('unavailable', `${service} cannot be reached`, { retryAfter: 1, cause: error });
  }
  const detail = fault === 'broken' ? 'broke off the exchange' : 'sent an answer that cannot be read';
  return problem('upstream_failed', `${service} ${detail}`, { cause: error });
}
