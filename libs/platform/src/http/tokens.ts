import { problem } from '@slipway/contract-kit/problem';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import * as errors from 'jose/errors';
import { jwtVerify } from 'jose/jwt/verify';
import { BoundedMap } from './bounded-map.ts';

/** The person that an access token identifies. */
export type Principal = {
  subject: string;
  roles: string[];
  /** The login session that the token was issued for (claim `sid`). */
  session?: string;
  /** When the token was issued (claim `iat`); milliseconds since the epoch. */
  issuedAt?: number;
};

export type TokenVerifier = (token: string) => Promise<Principal>;

/** A verifier that also returns, without any I/O, the principal of a token whose verification is cached. */
export type CachingVerifier = TokenVerifier & { cached(token: string): Principal | undefined };

/** The issuer and the audience of Slipway's access tokens. */
export const tokenIssuer = 'slipway-users';
export const tokenAudience = 'slipway';

/** Maximum time in milliseconds for which a verified token is cached, without another check of its signature. */
const cachedFor = 60_000;
/** Maximum number of cached tokens; they take about 10 MB. */
const maxCached = 10_000;

/**
 * Creates the function that verifies access tokens: EdDSA signature, issuer, audience and expiry. Checking an EdDSA
 * signature takes five times the CPU of a small request, so a valid token is cached for up to a minute, and never
 * beyond its expiry.
 *
 * @param getKey finds the public key that a token names
 * @param now milliseconds since the epoch
 * @example
 * const verify = createTokenVerifier(createKeyFinder(() => users.getKeys({})));
 * const { subject } = await verify(token); // throws a Problem: token_expired, unauthenticated, unavailable
 */
export function createTokenVerifier(getKey: JWTVerifyGetKey, now = Date.now): CachingVerifier {
  const verified = new BoundedMap<string, { principal: Principal; until: number }>(maxCached);

  function cached(token: string): Principal | undefined {
    const entry = verified.get(token);
    return entry && now() < entry.until ? entry.principal : undefined;
  }

  async function verify(token: string): Promise<Principal> {
    const known = cached(token);
    if (known) return known;
    const payload = await payloadOf(token, getKey, now());
    const principal = toPrincipal(payload);
    const expiry = Number(payload.exp) * 1000;
    verified.set(token, { principal, until: Math.min(expiry, now() + cachedFor) });
    return principal;
  }
  return Object.assign(verify, { cached });
}

async function payloadOf(token: string, getKey: JWTVerifyGetKey, now: number): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, getKey, {
      algorithms: ['EdDSA'],
      issuer: tokenIssuer,
      audience: tokenAudience,
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(now),
    });
    return payload;
  } catch (error) {
    throw tokenProblem(error);
  }
}

function toPrincipal({ sub, roles, sid, iat }: JWTPayload): Principal {
  const session = typeof sid === 'string' ? sid : undefined;
  const issuedAt = iat === undefined ? undefined : iat * 1000;
  return { subject: String(sub), roles: Array.isArray(roles) ? roles.map(String) : [], session, issuedAt };
}

function tokenProblem(error: unknown) {
  const fields = [{ field: 'header.authorization', message: 'does not contain a valid access token' }];
  if (error instanceof errors.JWTExpired) return problem('token_expired', undefined, { fields });
  // A malformed key set says nothing about the token: a 401 would log out the owner of a valid one.
  if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSInvalid)) {
    return problem('unauthenticated', 'The access token is not valid', { fields });
  }
  return problem('unavailable', 'The keys that verify access tokens are not available', {
    retryAfter: 1,
    cause: error,
  });
}
