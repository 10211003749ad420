import type { IncomingHttpHeaders } from 'node:http';

/** Returns the bearer token that a request carries (RFC 6750 section 2.1), or nothing if it carries none. */
export function bearerTokenOf({ authorization }: IncomingHttpHeaders): string | undefined {
  const [scheme, token] = authorization?.split(' ') ?? [];
  return scheme?.toLowerCase() === 'bearer' && token ? token : undefined;
}
