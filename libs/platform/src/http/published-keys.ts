import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import * as errors from 'jose/errors';
import { createLocalJWKSet } from 'jose/jwks/local';
import { runShared } from '../core/request-context.ts';

/** Age in milliseconds at which the cached key set is read again, in the background. */
const refreshAfter = 5 * 60_000;
/** Minimum time in milliseconds between two attempts to read the key set while one is cached. */
const cooldown = 5_000;

/**
 * Creates the function that finds the public key that a token names. It caches the key set, and reads it again in the
 * background when it is old, and immediately when a token names an unknown key.
 *
 * `createRemoteJWKSet` of jose does not fit: with its `cacheMaxAge`, an old set is an error while its publisher is
 * unreachable; its limits use the system clock, so new keys would stay unknown after the clock was set back; its
 * `cooldownDuration` does not limit attempts that fail; and it loads Node's fetch, which delays the first request by 20 ms.
 *
 * @param readKeySet reads the set; without the deadline of a request, because others wait for the same set
 * @param now milliseconds on a monotonic clock
 * @throws {JWKSNoMatchingKey} if the set does not contain the key; the error of the last `readKeySet` if that failed
 * @example
 * const keys = createKeyFinder(() => users.getKeys());
 * await jwtVerify(token, keys);
 */
export function createKeyFinder(
  readKeySet: () => Promise<JSONWebKeySet>,
  now = () => performance.now(),
): JWTVerifyGetKey {
  let attemptedAt = Number.NEGATIVE_INFINITY;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<JWTVerifyGetKey> | undefined;
  let keys: JWTVerifyGetKey | undefined;
  let failure: unknown;

  /** Reads the key set, once for all concurrent requests. */
  function read(): Promise<JWTVerifyGetKey> {
    reading ??= runShared(replaceKeys).finally(() => {
      reading = undefined;
    });
    return reading;
  }

  async function replaceKeys(): Promise<JWTVerifyGetKey> {
    attemptedAt = now();
    try {
      keys = createLocalJWKSet(await readKeySet());
    } catch (error) {
      failure = error;
      throw error;
    }
    failure = undefined;
    readAt = now();
    return keys;
  }

  const mayRead = () => now() - attemptedAt >= cooldown;

  return async (header, token) => {
    if (!header.kid) throw new errors.JWKSNoMatchingKey();
    if (keys && now() - readAt > refreshAfter && mayRead()) read().catch(() => undefined);
    try {
      return await (keys ?? (await read()))(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (reading || mayRead()) return (await read())(header, token);
      // Within the cooldown an unknown key is an error, so that made-up tokens put no load on the publisher. After a read that
      // failed, nobody knows whether the key is made up.
      throw failure ?? error;
    }
  };
}
