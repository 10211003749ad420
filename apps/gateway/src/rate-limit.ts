import rateLimit from '@fastify/rate-limit';
import { problem } from '@slipway/contracts/errors';
import type { App } from '@slipway/platform/core/app';
import type { TokenVerifier } from '@slipway/platform/http/tokens';
import { fromZero } from '@slipway/platform/telemetry/declare';
import type { Metrics } from '@slipway/platform/telemetry/metrics';
import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify';

type Options = {
  /** Requests a minute of one caller. */
  most: number;
  /** Sign-ups and log-ins a minute from one client address. */
  mostSignIns: number;
  verify: TokenVerifier;
  addressOf: (request: FastifyRequest) => string;
  metrics: Metrics;
};

const timeWindow = 60_000;

/**
 * Limits how many requests a minute one caller makes, routes that do not exist included. Each replica counts
 * for itself: the limit protects the system, it is no quota that is sold. The memory is bounded: 5000 callers
 * are counted at a time, and the one seen longest ago is forgotten.
 *
 * @returns the stricter limit for the routes that make or check passwords
 */
export async function registerRateLimit(app: App, options: Options): Promise<onRequestAsyncHookHandler> {
  const { most, mostSignIns, verify, addressOf, metrics } = options;
  await app.register(rateLimit, { global: false });
  fromZero(metrics.rejected, ['rate_limit']);
  const rejected = metrics.rejected.labels('rate_limit');

  function limit(max: number, keyGenerator: (request: FastifyRequest) => string | Promise<string>) {
    const count = app.createRateLimit({ max, timeWindow, keyGenerator });
    return async (request: FastifyRequest) => {
      const counted = await count(request);
      if (counted.isAllowed || !counted.isExceeded) return;
      rejected.inc();
      throw problem('rate_limited', `At most ${max} requests a minute are taken here`, {
        retryAfter: counted.ttlInSeconds,
      });
    };
  }

  /** A token counts only if it is valid, or made-up ones would each have a limit of their own. */
  async function callerOf(request: FastifyRequest): Promise<string> {
    const byAddress = byNetwork(request);
    const [scheme, token] = request.headers.authorization?.split(' ') ?? [];
    if (scheme?.toLowerCase() !== 'bearer' || !token) return byAddress;
    return verify(token).then(
      ({ subject }) => `subject ${subject}`,
      () => byAddress,
    );
  }

  const byNetwork = (request: FastifyRequest) => `address ${rateLimit.normalizeIP(addressOf(request))}`;

  app.addHook('onRequest', limit(most, callerOf));
  return limit(mostSignIns, byNetwork);
}
