import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { problem } from './errors.ts';

/** Who is calling, as their access token says. */
export type Principal = { subject: string; roles: string[] };

export type TokenVerifier = (token: string) => Promise<Principal>;

/** The issuer and the audience of Slipway's access tokens. */
export const tokenIssuer = 'slipway-users';
export const tokenAudience = 'slipway';

/**
 * Makes the check of access tokens: EdDSA JWT, issuer, audience, expiry.
 *
 * @param getKey finds the public key that a token names, as `jose` passes it
 */
export function createTokenVerifier(getKey: JWTVerifyGetKey): TokenVerifier {
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, getKey, {
        algorithms: ['EdDSA'],
        issuer: tokenIssuer,
        audience: tokenAudience,
        requiredClaims: ['sub', 'exp'],
      });
      return {
        subject: String(payload.sub),
        roles: Array.isArray(payload.roles) ? payload.roles.map(String) : [],
      };
    } catch (error) {
      throw tokenProblem(error);
    }
  };
}

function tokenProblem(error: unknown) {
  const fields = [{ field: 'header.authorization', message: 'does not hold a valid access token' }];
  if (error instanceof errors.JWTExpired) return problem('token_expired', undefined, { fields });
  if (error instanceof errors.JOSEError)
    return problem('unauthenticated', 'The access token is not valid', { fields });
  return problem('unavailable', 'The keys to check tokens with cannot be had', {
    retryAfter: 1,
    cause: error,
  });
}

/** Milliseconds between two readings of the published keys, unless a token names an unknown one. */
const refreshEvery = 5 * 60_000;
/** Milliseconds after a reading in which an unknown key causes no other. */
const cooldown = 5_000;

/**
 * Finds public keys in a published key set. Keys that were read once serve on while the set cannot be read,
 * so that nobody is locked out because the publisher restarts.
 */
export function publishedKeys(readKeySet: () => Promise<JSONWebKeySet>, now = Date.now): JWTVerifyGetKey {
  let known: ReturnType<typeof createLocalJWKSet> | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  const read = async () => {
    known = createLocalJWKSet(await readKeySet());
    readAt = now();
  };
  const readOnce = () => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };

  return async (header, token) => {
    if (!known) await readOnce();
    else if (now() - readAt > refreshEvery) await readOnce().catch(() => undefined);
    try {
      return await known!(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || now() - readAt < cooldown) throw error;
      await readOnce();
      return known!(header, token);
    }
  };
}
