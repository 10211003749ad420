import { Problem, problem } from './errors.ts';

/** Errors that happen before a request is sent: its upstream has not seen it. */
const notConnected = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether a call failed before it was sent. */
export function isConnectError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && notConnected.has(String(error.code));
}

/** The problem that a failed call means to the caller of this service. */
export function callProblem(name: string, error: unknown): unknown {
  if (error instanceof Problem || isAbort(error)) return error;
  if (isConnectError(error)) {
    return problem('unavailable', `${name} cannot be reached`, { retryAfter: 1, cause: error });
  }
  return problem('upstream_failed', `${name} broke off the exchange`, { cause: error });
}

/** Whether the caller itself gave the call up. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
