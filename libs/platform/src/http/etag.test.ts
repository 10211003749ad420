import { describe, expect, it } from 'vitest';
import { checkIfMatch, etagOf } from './etag.ts';

describe('checkIfMatch', () => {
  const etag = etagOf(3, 'member');

  it.each([undefined, etag, '*', ` "2-member" , ${etag}`])('lets a change with %j go on', (ifMatch) => {
    expect(() => checkIfMatch(ifMatch, etag)).not.toThrow();
  });

  it.each(['"2-member"', '3-member', `W/${etag}`, ''])('refuses a change with %j', (ifMatch) => {
    expect(() => checkIfMatch(ifMatch, etag)).toThrow(
      expect.objectContaining({
        code: 'version_mismatch',
        fields: [{ field: 'header.if-match', message: 'is not the current ETag, "3-member"' }],
      }),
    );
  });
});
