import { problem } from '@slipway/contract-kit/problem';

/**
 * Returns the strong entity tag of a representation. `parts` must change whenever the representation does.
 *
 * @example
 * etagOf(user.version, ...user.roles) // '"3-member"'
 */
export function etagOf(...parts: (string | number)[]): string {
  return `"${parts.join('-')}"`;
}

/**
 * Rejects a change that is not based on the current representation (RFC 9110 section 13.1.1). A request without
 * `If-Match`, or with `*`, passes.
 *
 * @throws {Problem} version_mismatch
 */
export function checkIfMatch(ifMatch: string | undefined, etag: string): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const wanted = ifMatch.split(',').map((tag) => tag.trim());
  if (wanted.includes(etag)) return;
  throw problem('version_mismatch', undefined, {
    fields: [{ field: 'header.if-match', message: `is not the current ETag, ${etag}` }],
  });
}
