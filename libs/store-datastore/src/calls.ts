import { Problem, problem } from '@slipway/contract-kit/problem';

/** The driver's options for a call that must end in the time that is left. */
type CallOptions = { gaxOptions: { timeout: number; retry: { retryCodes: number[] } } };

export type Bounds = {
  (): CallOptions;
  /** Milliseconds that are left; 0 when none are. */
  left(): number;
};

/**
 * Runs calls that together take at most a number of milliseconds.
 *
 * @throws {Problem} unavailable if the server is away, too slow, or too busy.
 */
export async function within<T>(ms: number, work: (bounds: Bounds) => Promise<T>): Promise<T> {
  const end = performance.now() + ms;
  const left = () => Math.max(0, Math.ceil(end - performance.now()));
  // The driver's own repetitions would go on for a minute.
  const bounds = () => ({ gaxOptions: { timeout: Math.max(1, left()), retry: { retryCodes: [] } } });
  try {
    return await work(Object.assign(bounds, { left }));
  } catch (error) {
    throw isAway(error) ? problem('unavailable', 'The store does not answer', away(error)) : error;
  }
}

const away = (cause: unknown) => ({ retryAfter: 1, cause });

/**
 * Codes by which the server says that it works and the request is wrong: those are faults of ours.
 * Source: https://grpc.github.io/grpc/core/md_doc_statuscodes.html
 */
const faults: unknown[] = [
  3, // INVALID_ARGUMENT
  5, // NOT_FOUND
  6, // ALREADY_EXISTS
  7, // PERMISSION_DENIED
  9, // FAILED_PRECONDITION
  11, // OUT_OF_RANGE
  12, // UNIMPLEMENTED
  16, // UNAUTHENTICATED
];

/** Whatever else has a code, of gRPC or of a socket, comes from a server that cannot be used now. */
function isAway(error: unknown): boolean {
  if (error instanceof Problem || !(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return code !== undefined && !faults.includes(code);
}
