import { problem } from '@slipway/contract-kit/problem';

/**
 * Makes the strong entity tag of a representation out of what changes with it.
 *
 * @example
 * etagOf(user.version, ...user.roles) // '"3-member"'
 */
export function etagOf(...parts: (string | number)[]): string {
  return `"${parts.join('-')}"`;
}

/**
 * Lets a change go on only if it is based on the present representation (RFC 9110 section 13.1.1). Without the
 * header it goes on.
 *
 * @throws {Problem} version_mismatch
 */
export function checkIfMatch(ifMatch: string | undefined, etag: string): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const wanted = ifMatch.split(',').map((tag) => tag.trim());
  if (wanted.includes(etag)) return;
  throw problem('version_mismatch', undefined, {
    fields: [{ field: 'header.if-match', message: `is not the present ETag, ${etag}` }],
  });
}
