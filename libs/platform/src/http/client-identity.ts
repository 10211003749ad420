import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { bearerTokenOf } from './bearer.ts';
import type { CachingVerifier, Principal } from './tokens.ts';

/**
 * Returns the name of a request's client. Requests with the same name share one rate limit, and one fair share under
 * overload.
 */
export type ClientOf = (request: IncomingMessage) => string;

const personPrefix = 'subject ';

/** Returns whether a client is a person with a verified token. */
export const isPerson = (client: string): boolean => client.startsWith(personPrefix);

/** Functions that name a request's client: `subject …` with a verified token, else `address …` or an empty name. */
export type ClientIdentity = {
  /** Uses a token only if its verification is cached: cheap enough for every request under overload. */
  cached: ClientOf;
  /** Verifies the token if its verification is not cached; only then, it returns a promise. */
  verified(request: IncomingMessage): string | Promise<string>;
  /** Ignores the token. */
  byAddress: ClientOf;
};

/**
 * Creates the functions that name clients. Only a verified token names a person: otherwise a client that makes up a new
 * token for each request would be a new client each time.
 *
 * @param networkOf finds the network of a client (`readClientAddress`); without it, all clients without a verified
 * token are one
 */
export function createClientIdentity(
  verify: CachingVerifier,
  networkOf?: (request: Pick<FastifyRequest, 'raw'>) => string,
): ClientIdentity {
  const byAddress: ClientOf = (raw) => (networkOf ? `address ${networkOf({ raw })}` : '');
  const bySubject = ({ subject }: Principal) => personPrefix + subject;

  return {
    byAddress,

    cached(request) {
      const token = bearerTokenOf(request.headers);
      const principal = token === undefined ? undefined : verify.cached(token);
      return principal ? bySubject(principal) : byAddress(request);
    },

    verified(request) {
      const token = bearerTokenOf(request.headers);
      if (token === undefined) return byAddress(request);
      const principal = verify.cached(token);
      if (principal) return bySubject(principal);
      return verify(token).then(bySubject, () => byAddress(request));
    },
  };
}
