import type { FastifyRequest } from 'fastify';
import type { JSONWebKeySet } from 'jose';
import type { App } from '../core/app.ts';
import { type AccessOptions, registerAccess } from './access.ts';
import { type ClientIdentity, type ClientOf, createClientIdentity } from './client-identity.ts';
import { createKeyFinder } from './published-keys.ts';
import { createTokenVerifier, type Principal, type TokenVerifier } from './tokens.ts';

export type AuthenticationOptions = {
  /** Reads the public keys of access tokens from the service that publishes them. */
  readKeys: () => Promise<JSONWebKeySet>;
  /** Divides the service between clients under overload (`ServiceContext.shareBy`). */
  shareBy: (clientOf: ClientOf) => void;
  /** The secret that other services send to operations with `access: 'service'`; without it, these reject every call. */
  serviceToken?: string;
  /** Identifies clients without a verified token (`readClientAddress`); without it, they count as one client. */
  networkOf?: (request: Pick<FastifyRequest, 'raw'>) => string;
  /**
   * Reads a person's current roles; without it, the roles in the token apply. All fields that it returns become fields
   * of the principal, so that a handler need not read them again.
   */
  currentAccess?: (subject: string) => Promise<Pick<Principal, 'roles'>>;
};

export type Authentication = AccessOptions & { clients: ClientIdentity };

/**
 * Authenticates the requests of all routes that are registered after it, and shares the service between their clients.
 *
 * @example
 * const users = createClient(upstream('users', settings.USERS_URL), { getKeys });
 * registerAuthentication(app, { readKeys: () => users.getKeys(), shareBy });
 */
export function registerAuthentication(app: App, options: AuthenticationOptions): void {
  registerAccess(app, createAuthentication(options));
}

/** Creates the options of `registerAccess`, for a service that checks access in only a part of its routes. */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { readKeys, shareBy, networkOf, currentAccess, serviceToken } = options;
  const verify = createTokenVerifier(createKeyFinder(readKeys));
  const clients = createClientIdentity(verify, networkOf);
  shareBy(clients.cached);
  const verifyNow = currentAccess ? withCurrentAccess(verify, currentAccess) : verify;
  return { verify: verifyNow, serviceToken, clients };
}

function withCurrentAccess(
  verify: TokenVerifier,
  currentAccess: (subject: string) => Promise<Pick<Principal, 'roles'>>,
): TokenVerifier {
  return async (token) => {
    const principal = await verify(token);
    return { ...principal, ...(await currentAccess(principal.subject)) };
  };
}
