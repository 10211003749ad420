import { Problem, problem } from '@slipway/contract-kit/problem';

/** The driver's options for a call that must end before the deadline. */
type CallOptions = { gaxOptions: { timeout: number; retry: { retryCodes: number[] } } };

export type Bounds = {
  (): CallOptions;
  /** Returns the milliseconds until the deadline; 0 after it. */
  left(): number;
};

/**
 * Runs calls with one deadline.
 *
 * @throws {Problem} unavailable if the server is unreachable, too slow or too busy
 */
export async function within<T>(ms: number, work: (bounds: Bounds) => Promise<T>): Promise<T> {
  const end = performance.now() + ms;
  const left = () => Math.max(0, Math.ceil(end - performance.now()));
  // The driver's own retries would continue for a minute.
  const bounds = () => ({ gaxOptions: { timeout: Math.max(1, left()), retry: { retryCodes: [] } } });
  try {
    return await work(Object.assign(bounds, { left }));
  } catch (error) {
    throw isUnavailable(error)
      ? problem('unavailable', 'The store does not answer', { retryAfter: 1, cause: error })
      : error;
  }
}

/**
 * Codes of errors in the request, which are our own mistakes. The server is available.
 * Source: https://grpc.github.io/grpc/core/md_doc_statuscodes.html
 */
const ownErrors: unknown[] = [
  3, // INVALID_ARGUMENT
  5, // NOT_FOUND
  6, // ALREADY_EXISTS
  7, // PERMISSION_DENIED
  9, // FAILED_PRECONDITION
  11, // OUT_OF_RANGE
  12, // UNIMPLEMENTED
  16, // UNAUTHENTICATED
];

/** Returns whether an error means that the server is unavailable: it has any other code, of gRPC or of a socket. */
function isUnavailable(error: unknown): boolean {
  if (error instanceof Problem || !(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return code !== undefined && !ownErrors.includes(code);
}
