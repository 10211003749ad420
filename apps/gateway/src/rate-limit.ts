import rateLimit from '@fastify/rate-limit';
import { problem } from '@slipway/contracts/errors';
import type { App } from '@slipway/platform/core/app';
import type { ClientIdentity } from '@slipway/platform/http/client-identity';
import { fromZero } from '@slipway/platform/telemetry/declare';
import type { Metrics } from '@slipway/platform/telemetry/metrics';
import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify';

type Options = {
  /** Maximum requests per minute of one client. */
  max: number;
  /** Maximum sign-ups and logins per minute from one client address. */
  maxSignIns: number;
  clients: Pick<ClientIdentity, 'verified' | 'byAddress'>;
  metrics: Metrics;
};

const timeWindow = 60_000;

/**
 * Limits the requests per minute of each client, including requests to routes that do not exist. Each replica counts
 * its own requests: the limit protects the system and is not a quota. Memory is bounded: each limit tracks 5,000
 * clients, and drops the one unseen for longest.
 *
 * @returns the hook with the limit on sign-ups and logins
 */
export async function registerRateLimit(app: App, options: Options): Promise<onRequestAsyncHookHandler> {
  const { max, maxSignIns, clients, metrics } = options;
  await app.register(rateLimit, { global: false });
  fromZero(metrics.rejected, ['rate_limit']);
  const rejected = metrics.rejected.labels('rate_limit');

  function limit(perMinute: number, clientOf: (request: FastifyRequest['raw']) => string | Promise<string>) {
    const keyGenerator = ({ raw }: FastifyRequest) => clientOf(raw);
    const count = app.createRateLimit({ max: perMinute, timeWindow, keyGenerator });
    return async (request: FastifyRequest) => {
      const counted = await count(request);
      if (counted.isAllowed || !counted.isExceeded) return;
      rejected.inc();
      throw problem('rate_limited', `The limit is ${perMinute} requests per minute`, {
        retryAfter: counted.ttlInSeconds,
      });
    };
  }

  app.addHook('onRequest', limit(max, clients.verified));
  return limit(maxSignIns, clients.byAddress);
}
