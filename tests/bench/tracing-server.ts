/** One small JSON GET with tracing alone, ours or the stock one: the server of the bench tracing. */
import type { AddressInfo } from 'node:net';
import { Type } from '@slipway/contract-kit/type';
import type { FastifyInstance } from 'fastify';

const [, , variant = ''] = process.argv;

/** The stock instrumentation patches modules as they are loaded: Fastify must not be loaded before it. */
async function bare(): Promise<FastifyInstance> {
  const { default: Fastify } = await import('fastify');
  return Fastify();
}

/** Bare Fastify with the platform's tracing: no metric, no log line. */
async function ours(): Promise<FastifyInstance> {
  const { platformSettings, readSettings } = await import('@slipway/platform/service/settings');
  const { createLogs } = await import('@slipway/platform/telemetry/log');
  const { createMetrics } = await import('@slipway/platform/telemetry/metrics');
  const { registerObservation } = await import('@slipway/platform/telemetry/observe');
  const { createTracing } = await import('@slipway/platform/telemetry/tracing');
  const app = await bare();
  const { log } = createLogs('bench', 'warn');
  const metrics = createMetrics('bench', '0');
  const settings = readSettings(platformSettings, { ...process.env, OTEL_TRACES_EXPORTER: 'zipkin' });
  const tracing = await createTracing({ service: 'bench', version: '0', settings, log, metrics });
  const nothing = () => undefined;
  registerObservation(app, {
    metrics: { ...metrics, requests: { expect: nothing, ended: nothing } },
    log: { info: nothing, error: nothing },
    tracing,
    requestTimeout: 10_000,
  });
  return app;
}

/** Bare Fastify with the instrumentation that OpenTelemetry and Fastify offer. */
async function stock(): Promise<FastifyInstance> {
  const { startStockTracing } = await import('./stock-tracing.ts');
  const instrumentation = startStockTracing();
  const app = await bare();
  await app.register(instrumentation.plugin());
  return app;
}

const makers: Record<string, () => Promise<FastifyInstance>> = { bare, ours, stock };

const app = await makers[variant.replace(/\d+$/, '')]?.();
if (!app) throw new Error(`There is no variant ${variant}`);
const schema = {
  params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) }),
  response: { 200: Type.Object({ id: Type.String(), name: Type.String(), count: Type.Integer() }) },
};
app.get('/things/:id', { schema }, async (request) => {
  const { id } = request.params as { id: string };
  return { id, name: 'a thing', count: 42 };
});
await app.listen({ port: 0, host: '127.0.0.1' });

process.on('disconnect', () => process.exit());
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ port: (app.server.address() as AddressInfo).port, cpu: user + system });
});
