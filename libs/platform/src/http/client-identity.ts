import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { bearerTokenOf } from './bearer.ts';
import type { CachingVerifier, Principal } from './tokens.ts';

/** Names the client of a request: all requests with one name share one part of the service, or one rate limit. */
export type ClientOf = (request: IncomingMessage) => string;

/** The names of clients: `subject …` for a person with a verified token, else `address …`. */
export type ClientIdentity = {
  /** Names the client by what is cached. It is cheap enough to call for each request under overload. */
  cached: ClientOf;
  /** Names the client, and verifies its token if that is not cached. */
  verified(request: IncomingMessage): Promise<string>;
  /** Names the client by its address, whatever token it sends. */
  byAddress: ClientOf;
};

type Verifier = ((token: string) => Promise<Principal>) & Pick<CachingVerifier, 'cached'>;

/**
 * Creates the functions that name clients. Only a verified token names a person: whoever makes up a new token for each
 * request would otherwise be a new client each time.
 *
 * @param networkOf finds the network of a client (`readClientAddress`); without it, all clients without a verified
 * token are one
 */
export function createClientIdentity(
  verify: Verifier,
  networkOf?: (request: Pick<FastifyRequest, 'raw'>) => string,
): ClientIdentity {
  const byAddress: ClientOf = (raw) => (networkOf ? `address ${networkOf({ raw })}` : '');
  const bySubject = ({ subject }: Principal) => `subject ${subject}`;

  return {
    byAddress,

    cached(request) {
      const token = bearerTokenOf(request.headers);
      const principal = token === undefined ? undefined : verify.cached(token);
      return principal ? bySubject(principal) : byAddress(request);
    },

    async verified(request) {
      const token = bearerTokenOf(request.headers);
      if (token === undefined) return byAddress(request);
      return verify(token).then(bySubject, () => byAddress(request));
    },
  };
}
