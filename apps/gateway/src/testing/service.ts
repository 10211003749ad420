import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BuildOptions } from '@slipway/platform/service/service';
import { startServer } from '@slipway/platform/testing/http-server';
import { buildTestService } from '@slipway/platform/testing/service';
import { createTokenSigner } from '@slipway/platform/testing/tokens';
import { gateway } from '../app.ts';
import { forUpstreams, statusUrlOf, type UpstreamName, upstreamNames, urlOf } from '../upstreams.ts';

type Seen = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

type Handle = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Responds with the method, URL and headers of the request. */
function echo(service: string): Handle {
  return ({ method, url, headers }, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ service, method, url, headers }));
  };
}

/** Starts a server in the place of a service. A test replaces `handle` to choose its responses. */
export async function startStandIn(service: string) {
  const standIn = { handle: echo(service), seen: [] as Seen[] };
  const { origin: url, stop } = await startServer(async (request, response) => {
    standIn.seen.push({ method: request.method, url: request.url, headers: request.headers });
    try {
      await standIn.handle(request, response);
    } catch {
      response.destroy();
    }
  });
  return Object.assign(standIn, { url, stop });
}

type StandIn = Awaited<ReturnType<typeof startStandIn>>;

const addressesOf = (name: UpstreamName, { url }: StandIn) => [
  [urlOf(name), url],
  [statusUrlOf(name), `${url}/status`],
];

/**
 * Starts the gateway, listening, with stand-ins for its services.
 *
 * @param logTo where its log lines go; with it, set `LOG_LEVEL`, too
 */
export async function startGateway(env: Record<string, string> = {}, logTo?: BuildOptions['logTo']) {
  const { keySet, tokenFor } = await createTokenSigner();
  const standIns = await Promise.all(upstreamNames.map(startStandIn));
  const services = forUpstreams((_name, index) => standIns[index] as StandIn);
  const { users } = services;
  users.handle = (request, response) => {
    if (request.url !== '/.well-known/jwks.json') return echo('users')(request, response);
    response.end(JSON.stringify(keySet));
  };
  const addresses = Object.fromEntries(upstreamNames.flatMap((name) => addressesOf(name, services[name])));
  const { app, metrics, lifecycle } = await buildTestService(gateway, { ...addresses, ...env }, { logTo });
  const base = await app.listen({ port: 0, host: '127.0.0.1', listenTextResolver: () => '' });

  return {
    app,
    base,
    metrics,
    lifecycle,
    bearer: async (subject: string, ...roles: string[]) => ({
      authorization: `Bearer ${await tokenFor(subject, ...roles)}`,
    }),
    services,
    async stop() {
      await app.close();
      await Promise.all(standIns.map((service) => service.stop()));
    },
  };
}

export type TestGateway = Awaited<ReturnType<typeof startGateway>>;
