import type { IncomingHttpHeaders } from 'node:http';

type Parsed = { headers: IncomingHttpHeaders; token: string | undefined };

/** The token that was read last: several hooks ask for that of one request, mostly before another request comes. */
let last: Parsed | undefined;

/** Returns the bearer token that a request carries (RFC 6750 section 2.1), or nothing if it carries none. */
export function bearerTokenOf(headers: IncomingHttpHeaders): string | undefined {
  if (last?.headers !== headers) last = { headers, token: parse(headers) };
  return last.token;
}

function parse({ authorization }: IncomingHttpHeaders): string | undefined {
  const [scheme, token] = authorization?.split(' ') ?? [];
  return scheme?.toLowerCase() === 'bearer' && token ? token : undefined;
}
