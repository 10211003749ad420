/**
 * One forwarded GET, by a minimal proxy, by proxies that others offer, and by Slipway's gateway: the server of the bench
 * gateway. `UPSTREAM` is the address that the request goes to, and `PUBLIC_KEY` that of its token.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getMe } from '@slipway/contracts/users';
import type { FastifyInstance } from 'fastify';

const { UPSTREAM: upstream = '', PUBLIC_KEY: publicKey = '' } = process.env;

/** Makes the response itself that the other proxies get from the upstream. */
async function bare(): Promise<Server> {
  const { default: Fastify } = await import('fastify');
  const { schema } = getMe;
  const app = Fastify();
  const user = { id: 'ada', email: 'ada@example.com', name: 'Ada', roles: ['member'], version: 1 };
  const createdAt = new Date(0).toISOString();
  app.get(getMe.url, { schema: { response: schema.response } }, async () => ({ ...user, createdAt }));
  return listening(app);
}

/** Node's server and undici, and nothing that a proxy must also do. */
async function raw(): Promise<Server> {
  const { Agent } = await import('undici');
  const agent = new Agent({ connections: 64 });
  return createServer((request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url: path = '', headers } = request;
    const { connection: _, ...forwarded } = headers;
    agent.dispatch(
      { origin: upstream, method, path, headers: forwarded },
      {
        onRequestStart: () => undefined,
        onResponseStart(_controller, status, { connection: _, 'keep-alive': __, ...fields }) {
          response.writeHead(status, fields);
        },
        onResponseData: (_controller, chunk) => void response.write(chunk),
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    );
  }).listen(0, '127.0.0.1');
}

async function fastifyAndUndici(): Promise<Server> {
  const { default: Fastify } = await import('fastify');
  const { Agent } = await import('undici');
  const agent = new Agent({ connections: 64 });
  const app = Fastify();
  app.get(getMe.url, async (request, reply) => {
    const { connection: _, ...headers } = request.headers;
    const response = await agent.request({ origin: upstream, method: 'GET', path: request.url, headers });
    const { connection: __, 'keep-alive': ___, ...fields } = response.headers;
    return reply.code(response.statusCode).headers(fields).send(response.body);
  });
  return listening(app);
}

async function httpProxy(): Promise<Server> {
  const { default: Fastify } = await import('fastify');
  const { default: proxy } = await import('@fastify/http-proxy');
  const app = Fastify();
  await app.register(proxy, { upstream });
  return listening(app);
}

/** Assembles the packages that do what the gateway does, each as its page recommends. Tokens are cached, too. */
async function assembled(): Promise<Server> {
  const { startStockTracing } = await import('./stock-tracing.ts');
  const instrumentation = startStockTracing({ sendsCalls: true });
  const { default: Fastify } = await import('fastify');
  const app = Fastify({ logger: true });
  await app.register(instrumentation.plugin());
  const { default: metrics } = await import('fastify-metrics');
  await app.register(metrics as never, { endpoint: '/metrics' });
  const { default: underPressure } = await import('@fastify/under-pressure');
  await app.register(underPressure, { maxEventLoopDelay: 10_000, maxHeapUsedBytes: 1_000_000_000 });
  const { default: rateLimit } = await import('@fastify/rate-limit');
  await app.register(rateLimit, { max: 1_000_000_000, timeWindow: 60_000 });
  const { default: jwt } = await import('@fastify/jwt');
  await app.register(jwt, {
    secret: { public: publicKey, private: '' },
    verify: { algorithms: ['EdDSA'], cache: true },
  });
  const { default: proxy } = await import('@fastify/http-proxy');
  await app.register(proxy, { upstream, preHandler: async (request) => void (await request.jwtVerify()) });
  return listening(app);
}

/** The gateway as it runs in production, with its log line, its limits, and spans at 10 %. */
async function gateway(): Promise<Server> {
  const { gateway: definition } = await import('@slipway/gateway/app');
  const { buildService } = await import('@slipway/platform/service/service');
  const { readSettings } = await import('@slipway/platform/service/settings');
  const settings = readSettings(definition.settings, {
    ...process.env,
    USERS_URL: upstream,
    RATE_LIMIT: '1000000000',
  });
  const { app, lifecycle } = await buildService(definition, settings);
  lifecycle.advance('ready');
  return listening(app as unknown as FastifyInstance);
}

async function listening(app: FastifyInstance): Promise<Server> {
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app.server;
}

const makers: Record<string, () => Promise<Server>> = {
  bare,
  raw,
  request: fastifyAndUndici,
  proxy: httpProxy,
  assembled,
  gateway,
};

const server = await makers[process.argv[2] ?? '']?.();
if (!server) throw new Error(`There is no variant ${process.argv[2]}`);

process.on('disconnect', () => process.exit());
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ port: (server.address() as AddressInfo).port, cpu: user + system });
});
