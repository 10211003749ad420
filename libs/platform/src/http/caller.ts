import type { IncomingMessage } from 'node:http';
import type { CachingVerifier } from './tokens.ts';

/** Names who sends a request, as cheaply as can be: it is asked while there is too much to do. */
export type CallerOf = (request: IncomingMessage) => string;

/**
 * Makes the function that names the caller with whom a request shares what a service can do: the person whose
 * token it carries, if that token has passed lately. A token that is only claimed counts for nothing: who made up a
 * new one for each request would have as many shares.
 *
 * @param otherwise names all others; without it they are one
 * @example
 * shareBy(callerByToken(verify, ({ socket }) => `address ${socket.remoteAddress}`));
 */
export function callerByToken(
  { cached }: Pick<CachingVerifier, 'cached'>,
  otherwise: CallerOf = () => '',
): CallerOf {
  return (request) => {
    const [scheme, token] = request.headers.authorization?.split(' ') ?? [];
    const person = scheme?.toLowerCase() === 'bearer' && token ? cached(token) : undefined;
    return person ? `subject ${person.subject}` : otherwise(request);
  };
}
