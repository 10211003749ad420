import { problem } from '@slipway/contract-kit/problem';
import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import { BoundedMap } from './bounded-map.ts';

/** Who is calling, as their access token says. */
export type Principal = {
  subject: string;
  roles: string[];
  /** The login that the token came from (claim `sid`). */
  session?: string;
  /** When the token was issued (claim `iat`); milliseconds since the epoch. */
  issuedAt?: number;
};

export type TokenVerifier = (token: string) => Promise<Principal>;

/** A verifier that also tells at once whose a token is, if that token has passed lately. */
export type RememberingVerifier = TokenVerifier & { remembered(token: string): Principal | undefined };

/** The issuer and the audience of Slipway's access tokens. */
export const tokenIssuer = 'slipway-users';
export const tokenAudience = 'slipway';

/** How long a verified token is taken without looking at its signature again; milliseconds. */
const rememberedFor = 60_000;
/** How many verified tokens are remembered; about 10 MB. */
const rememberedMost = 10_000;

/**
 * Makes the check of access tokens: EdDSA JWT, issuer, audience, expiry. An EdDSA check costs five times the
 * CPU of a small request, so a token that passed is remembered for a minute, and never beyond its expiry.
 *
 * @param getKey finds the public key that a token names, as `jose` passes it
 * @param now milliseconds since the epoch
 * @example
 * const verify = createTokenVerifier(publishedKeys(() => users.getKeys({})));
 * const { subject } = await verify(token); // throws a Problem: token_expired, unauthenticated, unavailable
 */
export function createTokenVerifier(getKey: JWTVerifyGetKey, now = Date.now): RememberingVerifier {
  const verified = new BoundedMap<string, { principal: Principal; until: number }>(rememberedMost);

  function remembered(token: string): Principal | undefined {
    const known = verified.get(token);
    return known && now() < known.until ? known.principal : undefined;
  }

  async function verify(token: string): Promise<Principal> {
    const known = remembered(token);
    if (known) return known;
    const payload = await payloadOf(token, getKey, now());
    const principal = toPrincipal(payload);
    const expiry = Number(payload.exp) * 1000;
    verified.set(token, { principal, until: Math.min(expiry, now() + rememberedFor) });
    return principal;
  }
  return Object.assign(verify, { remembered });
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
  const fields = [{ field: 'header.authorization', message: 'does not hold a valid access token' }];
  if (error instanceof errors.JWTExpired) return problem('token_expired', undefined, { fields });
  if (error instanceof errors.JOSEError)
    return problem('unauthenticated', 'The access token is not valid', { fields });
  return problem('unavailable', 'The keys to check tokens with cannot be had', {
    retryAfter: 1,
    cause: error,
  });
}

/** Age at which published keys are read again; milliseconds. */
const refreshAfter = 5 * 60_000;
/** Milliseconds after an attempt to read keys in which keys that are known cause no other. */
const cooldown = 5_000;

type FindKey = ReturnType<typeof createLocalJWKSet>;

/**
 * Finds public keys in a published key set. Keys that were read once serve on while the set cannot be read,
 * so that nobody is locked out because the publisher restarts. A token that names an unknown key makes the set
 * be read again, but only once per cooldown: made-up tokens must not become load on the publisher.
 *
 * @param now milliseconds on a clock that is never set
 * @throws what `readKeySet` throws, if no key set could be read yet or an unknown key is asked for.
 */
export function publishedKeys(
  readKeySet: () => Promise<JSONWebKeySet>,
  now = () => performance.now(),
): JWTVerifyGetKey {
  let known: { find: FindKey; readAt: number } | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<FindKey> | undefined;

  async function read(): Promise<FindKey> {
    triedAt = now();
    const find = createLocalJWKSet(await readKeySet());
    known = { find, readAt: now() };
    return find;
  }

  /** All who wait for keys share one reading. */
  function readOnce(): Promise<FindKey> {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  function refresh(readAt: number) {
    const due = now() - readAt > refreshAfter && now() - triedAt >= cooldown;
    if (due) readOnce().catch(() => undefined);
  }

  return async (header, token) => {
    if (!header.kid) throw new errors.JWKSNoMatchingKey();
    if (!known) return (await readOnce())(header, token);
    const { find, readAt } = known;
    refresh(readAt);
    try {
      return await find(header, token);
    } catch (error) {
      const mayRead = reading !== undefined || now() - triedAt >= cooldown;
      if (!(error instanceof errors.JWKSNoMatchingKey) || !mayRead) throw error;
      return (await readOnce())(header, token);
    }
  };
}
