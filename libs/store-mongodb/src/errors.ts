import { Problem } from '@slipway/contract-kit/problem';

/**
 * Codes of errors that are temporary: the server failed internally, as FerretDB does while its PostgreSQL restarts
 * (1, 8), is shutting down, is not the primary, or took too long.
 * Source: https://www.mongodb.com/docs/manual/reference/error-codes/
 */
const temporary = new Set([
  1, 6, 7, 8, 24, 50, 64, 89, 91, 133, 134, 189, 202, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
]);

/**
 * Returns whether an error is the server's response or our own mistake, and not a sign that the server is unavailable.
 * The driver's class of the error does not show that: a closed socket causes several, or a plain `Error`. But only the
 * server sets a numeric code, and only our own mistakes are errors of the language.
 */
export function isVerdict(error: unknown): boolean {
  if (error instanceof Problem || error instanceof TypeError || error instanceof RangeError) return true;
  const { code } = error as { code?: unknown };
  // An ended AbortSignal throws a DOMException, which has a numeric code, too.
  return typeof code === 'number' && !temporary.has(code) && !(error instanceof DOMException);
}

/**
 * Returns whether a write lost against another and had no effect, so that it can be repeated. The code is 112 in
 * MongoDB and 16908292 in FerretDB, where two documents with the same unique value that are written at the same time
 * cause a deadlock, which PostgreSQL finds after 1 s.
 */
export function isConflict(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 112 || code === 16_908_292;
}

/** Returns whether a unique index rejected a write. */
export function isDuplicate(error: unknown): boolean {
  return (error as { code?: unknown }).code === 11_000;
}
