import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import * as errors from 'jose/errors';
import { createRemoteJWKSet, customFetch } from 'jose/jwks/remote';

/** Age in milliseconds at which the cached key set is read again, in the background. */
const refreshAfter = 5 * 60_000;
/** Minimum time in milliseconds between two attempts to read the key set while one is cached. */
const cooldown = 5_000;

/** `jose` requires a URL, but `customFetch` does not use it: the client knows the address. */
const unusedUrl = new URL('urn:slipway:key-set');

/**
 * Creates the function that finds the public key that a token names. `jose` caches the key set, and reads it once for
 * all concurrent requests.
 *
 * This function decides when to read the set again: in the background when the set is old, and immediately when a token
 * names an unknown key. The limits of `jose` are set to infinity, because they would reject valid tokens: with
 * `cacheMaxAge`, an old set is an error while its publisher is unreachable; both limits use the system clock, so new
 * keys would stay unknown after the clock was set back; and `cooldownDuration` does not limit attempts that fail.
 *
 * @param readKeySet reads the set, with a time limit of its own
 * @param now milliseconds on a monotonic clock
 * @throws {JWKSNoMatchingKey} if the set does not contain the key; the error of a `readKeySet` that was needed
 */
export function publishedKeys(
  readKeySet: () => Promise<JSONWebKeySet>,
  now = () => performance.now(),
): JWTVerifyGetKey {
  let attemptedAt = Number.NEGATIVE_INFINITY;
  let readAt = Number.NEGATIVE_INFINITY;

  const createKeys = () =>
    createRemoteJWKSet(unusedUrl, {
      cacheMaxAge: Number.POSITIVE_INFINITY,
      cooldownDuration: Number.POSITIVE_INFINITY,
      async [customFetch]() {
        attemptedAt = now();
        const response = Response.json(await readKeySet());
        readAt = now();
        return response;
      },
    });
  let keys: ReturnType<typeof createKeys> | undefined;
  const mayRead = () => now() - attemptedAt >= cooldown;

  return async (header, token) => {
    if (!header.kid) throw new errors.JWKSNoMatchingKey();
    // Not at the start, because this loads fetch of Node, which takes 20 ms.
    keys ??= createKeys();
    if (now() - readAt > refreshAfter && mayRead()) keys.reload().catch(() => undefined);
    try {
      return await keys(header, token);
    } catch (error) {
      // Within the cooldown an unknown key is an error, so that made-up tokens put no load on the publisher.
      if (!(error instanceof errors.JWKSNoMatchingKey) || !(keys.reloading || mayRead())) throw error;
      await keys.reload();
      return keys(header, token);
    }
  };
}
