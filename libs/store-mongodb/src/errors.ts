import { Problem } from '@slipway/contract-kit/problem';

/**
 * Codes with which a server says that it cannot serve now: it failed inside, as FerretDB does while the
 * PostgreSQL behind it restarts (1, 8), shuts down, is not the primary (any more), or took too long itself.
 * Source: https://www.mongodb.com/docs/manual/reference/error-codes/
 */
const passing = new Set([
  1, 6, 7, 8, 24, 50, 64, 89, 91, 133, 134, 189, 202, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
]);

/**
 * Whether an error says what the caller must know, and not that the server is away. Told by behaviour, not by
 * class: a dropped socket comes as several errors of the driver or as a plain `Error`, but only the server
 * itself gives a numeric code, and only our own mistakes are errors of the language.
 */
export function isVerdict(error: unknown): boolean {
  if (error instanceof Problem || error instanceof TypeError || error instanceof RangeError) return true;
  const { code } = error as { code?: unknown };
  // That an AbortSignal ended is a DOMException, which has a numeric code of its own.
  return typeof code === 'number' && !passing.has(code) && !(error instanceof DOMException);
}

/**
 * Whether a write lost against another and had no effect, so that it can be sent again. MongoDB says 112;
 * FerretDB 16908292, when two documents with the same unique value come at the same moment and PostgreSQL finds
 * them waiting for each other, which it does after 1 s.
 */
export function isConflict(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 112 || code === 16_908_292;
}

/** Whether a unique index refused a write. */
export function isDuplicate(error: unknown): boolean {
  return (error as { code?: unknown }).code === 11_000;
}
