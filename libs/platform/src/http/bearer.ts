import type { IncomingHttpHeaders } from 'node:http';

type Parsed = { authorization: string; token: string | undefined };

/** The last header that was read: several hooks ask for the token of one request, each before the next request comes. */
let last: Parsed = { authorization: '', token: undefined };

/** Returns the bearer token that a request carries (RFC 6750 section 2.1), or nothing if it carries none. */
export function bearerTokenOf({ authorization }: IncomingHttpHeaders): string | undefined {
  if (authorization === undefined) return undefined;
  if (authorization !== last.authorization) last = { authorization, token: parse(authorization) };
  return last.token;
}

function parse(authorization: string): string | undefined {
  const [scheme, token] = authorization.split(' ');
  return scheme?.toLowerCase() === 'bearer' && token ? token : undefined;
}
