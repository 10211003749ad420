import type { AddressInfo } from 'node:net';
import type { Operation } from '@slipway/contract-kit/operation';
import { problemsOf } from '@slipway/contract-kit/problem';
import { Type } from '@slipway/contract-kit/type';
import { describe, expect, it, onTestFinished } from 'vitest';
import { buildService, defineService, type Service } from '../service/service.ts';
import { platformSettings, readSettings } from '../service/settings.ts';
import { hang, refusing, serve } from '../testing/faulty-server.ts';
import { createClient } from './client.ts';

// Three real services in a row, over HTTP: front → middle → back.

const problem = problemsOf({ sold_out: { status: 409, title: 'Nothing is left' } });
const Seen = Type.Object({ timeLeft: Type.Number(), correlationId: Type.String(), trace: Type.String() });

const getSeen = {
  method: 'GET',
  url: '/seen',
  schema: {
    operationId: 'getSeen',
    summary: 'Tells what reached the last service',
    response: { 200: Type.Array(Seen) },
  },
  config: { access: 'public' },
} as const satisfies Operation;

const buy = {
  method: 'POST',
  url: '/things/:thingId',
  schema: {
    operationId: 'buy',
    summary: 'Buys a thing',
    params: Type.Object({ thingId: Type.String() }),
    response: { 204: Type.Null() },
  },
  config: { access: 'public' },
} as const satisfies Operation;

const settings = (env: Record<string, string> = {}) =>
  readSettings(platformSettings, { LOG_LEVEL: 'silent', ...env });

/** Responds without calling another service. */
const back = defineService({
  name: 'back',
  version: '1',
  settings: platformSettings,
  register(app) {
    app.route({ ...getSeen, handler: async ({ headers }) => [seenIn(headers)] });
    app.route({
      ...buy,
      handler: async () => {
        const fields = [{ field: 'path.thingId', message: 'is sold out' }];
        throw problem('sold_out', 'The last one went a minute ago', { fields, retryAfter: 7 });
      },
    });
  },
});

/** Calls the next service, and adds what this one has received. */
const asking = (name: string, address: string) =>
  defineService({
    name,
    version: '1',
    settings: platformSettings,
    register(app, context) {
      const next = createClient(context.upstream('next', address), { getSeen, buy });
      app.route({ ...getSeen, handler: async ({ headers }) => [seenIn(headers), ...(await next.getSeen())] });
      app.route({
        ...buy,
        handler: async ({ params }, reply) => {
          await next.buy({ params });
          return reply.code(204).send(null);
        },
      });
    },
  });

const seenIn = (headers: Record<string, unknown>) => ({
  timeLeft: Number(headers['x-request-timeout-ms']),
  correlationId: String(headers['x-correlation-id']),
  trace: String(headers.traceparent),
});

async function start(definition: Parameters<typeof buildService>[0], env?: Record<string, string>) {
  const service: Service = await buildService(definition, settings(env));
  onTestFinished(() => service.app.close());
  await service.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = service.app.server.address() as AddressInfo;
  return { ...service, address: `http://127.0.0.1:${port}` };
}

async function chain(last: string) {
  const middle = await start(asking('middle', last));
  return start(asking('front', middle.address));
}

describe('a chain of services', () => {
  it('has less time at every hop, and one correlation id and trace', async () => {
    const front = await chain((await start(back)).address);
    const headers = { 'x-request-timeout-ms': '4500', 'x-correlation-id': 'journey-1' };
    const seen = (await front.app.inject({ url: '/seen', headers })).json();
    const left = seen.map(({ timeLeft }: { timeLeft: number }) => timeLeft);
    expect(left[0]).toBe(4_500);
    expect(left[1]).toBeLessThanOrEqual(4_480);
    expect(left[2]).toBeLessThanOrEqual(left[1] - 20);
    expect(left[2]).toBeGreaterThan(0);
    expect(seen.slice(1)).toMatchObject([{ correlationId: 'journey-1' }, { correlationId: 'journey-1' }]);
    expect(seen[2].trace.split('-')[1]).toBe(seen[1].trace.split('-')[1]);
  });

  it('returns the code, status, detail, fields and Retry-After of an error over two hops', async () => {
    const front = await chain((await start(back)).address);
    const response = await front.app.inject({ method: 'POST', url: '/things/42' });
    expect(response.statusCode).toBe(409);
    expect(response.headers['retry-after']).toBe('7');
    expect(response.headers['content-type']).toMatch('application/problem+json');
    expect(response.json()).toMatchObject({
      code: 'sold_out',
      status: 409,
      title: 'Nothing is left',
      detail: 'The last one went a minute ago',
      errors: [{ field: 'path.thingId', message: 'is sold out' }],
    });
  });

  it('responds in time when its last service hangs', async () => {
    const end = await hang();
    const front = await chain(end.origin);
    const startedAt = performance.now();
    const response = await front.app.inject({ url: '/seen', headers: { 'x-request-timeout-ms': '1000' } });
    expect(performance.now() - startedAt).toBeLessThan(4_500);
    expect(response.json()).toMatchObject({ code: 'deadline_exceeded', status: 504 });
    expect(end.hits).toBe(1);
  });

  it('reports at its front that its last service cannot be reached, and when to retry', async () => {
    const front = await chain(await refusing());
    const response = await front.app.inject({ method: 'POST', url: '/things/42' });
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toBe('1');
    expect(response.json()).toMatchObject({ code: 'unavailable', detail: 'next cannot be reached' });
  });
});

type ZipkinSpan = {
  id: string;
  parentId?: string;
  traceId: string;
  name: string;
  kind: string;
  tags: Record<string, string>;
};

describe('the trace of a call', () => {
  it('has a span for the call, between the spans of the two services', async () => {
    const spans: ZipkinSpan[] = [];
    const zipkin = await serve(async (request, response) => {
      spans.push(...JSON.parse(Buffer.concat(await request.toArray()).toString()));
      response.writeHead(202).end();
    });
    const recorded = {
      OTEL_TRACES_EXPORTER: 'zipkin',
      OTEL_TRACES_SAMPLER_ARG: '1',
      OTEL_EXPORTER_ZIPKIN_ENDPOINT: zipkin.origin,
    };
    const last = await start(back, recorded);
    const first = await start(asking('front', last.address), recorded);
    await first.app.inject('/seen');
    await first.app.inject({ method: 'POST', url: '/things/42' });
    await first.app.close();
    await last.app.close();
    const spanOf = (name: string, kind: string, parentId?: string) =>
      spans.find((span) => span.name === name && span.kind === kind && span.parentId === parentId);

    const outer = spanOf('GET /seen', 'SERVER');
    const call = spanOf('next getSeen', 'CLIENT', outer?.id);
    expect(call?.tags).toMatchObject({ 'http.request.method': 'GET', 'http.response.status_code': '200' });
    expect(spanOf('GET /seen', 'SERVER', call?.id)?.traceId).toBe(outer?.traceId);
    const conflict = spans.find(({ name }) => name === 'next buy');
    expect(conflict?.tags).toMatchObject({ 'http.response.status_code': '409' });
    expect(conflict?.tags).not.toHaveProperty('error');
  });
});
