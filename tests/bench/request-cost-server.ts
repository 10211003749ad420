/** One small JSON GET, served with more or less of the platform: the server of the bench request-cost. */
import type { AddressInfo } from 'node:net';
import { Type } from '@slipway/contract-kit/type';
import { registerOverload } from '@slipway/platform/overload/overload';
import { createHttpServer } from '@slipway/platform/service/http-server';
import { Lifecycle } from '@slipway/platform/service/lifecycle';
import { buildService, defineService } from '@slipway/platform/service/service';
import { platformSettings, readSettings } from '@slipway/platform/service/settings';
import { createLogs } from '@slipway/platform/telemetry/log';
import { createMetrics } from '@slipway/platform/telemetry/metrics';
import { registerObservation } from '@slipway/platform/telemetry/observe';
import { createTracing } from '@slipway/platform/telemetry/tracing';
import Fastify, { type FastifyInstance } from 'fastify';

const Thing = Type.Object({ id: Type.String(), name: Type.String(), count: Type.Integer() });
const schema = {
  params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) }),
  response: { 200: Thing },
};

function addRoute(app: Pick<FastifyInstance, 'get'>): void {
  app.get('/things/:id', { schema }, async (request) => {
    const { id } = request.params as { id: string };
    return { id, name: 'a thing', count: 42 };
  });
}

const bare = () => Fastify();

/** Bare Fastify with the one measurement of a request: context and ids, metric, and what is asked for. */
async function observed({ spans = 0, line = false }): Promise<FastifyInstance> {
  const app = bare();
  const { log, requests } = createLogs('bench', line ? 'info' : 'silent');
  const exporter = spans > 0 ? 'zipkin' : 'none';
  const metrics = createMetrics('bench', '0');
  const settings = readSettings(platformSettings, {
    ...process.env,
    OTEL_TRACES_EXPORTER: exporter,
    OTEL_TRACES_SAMPLER_ARG: String(spans),
  });
  const tracing = await createTracing({ service: 'bench', version: '0', settings, log, metrics });
  registerObservation(app, { log: requests, metrics, tracing, requestTimeout: 10_000 });
  return app;
}

async function guarded(): Promise<FastifyInstance> {
  const app = bare();
  await registerOverload(app, createMetrics('bench', '0'));
  return app;
}

function limited(): FastifyInstance {
  const { log } = createLogs('bench', 'silent');
  return createHttpServer(log, new Lifecycle(), readSettings(platformSettings, {}));
}

/** A service as any other, with the settings given. */
async function whole(env: Record<string, string>): Promise<FastifyInstance> {
  const settings = platformSettings;
  const definition = defineService({
    name: 'bench',
    version: '0',
    settings,
    register: (app) => addRoute(app),
  });
  const { app } = await buildService(
    definition,
    readSettings(settings, { ...process.env, OTEL_TRACES_EXPORTER: 'zipkin', ...env }),
  );
  return app as unknown as FastifyInstance;
}

const variants: Record<string, () => FastifyInstance | Promise<FastifyInstance>> = {
  bare,
  server: limited,
  overload: guarded,
  metric: () => observed({}),
  spans10: () => observed({ spans: 0.1 }),
  spans100: () => observed({ spans: 1 }),
  line: () => observed({ line: true }),
  platformWithoutLine: () => whole({ LOG_LEVEL: 'warn' }),
  platform: () => whole({}),
};

const app = await variants[process.argv[2] ?? '']?.();
if (!app) throw new Error(`There is no variant ${process.argv[2]}`);
if (!app.hasRoute({ method: 'GET', url: '/things/:id' })) addRoute(app);
await app.listen({ port: 0, host: '127.0.0.1' });

process.on('disconnect', () => process.exit());
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ port: (app.server.address() as AddressInfo).port, cpu: user + system });
});
