import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildService, defineService, type Service } from '../service/service.ts';
import { platformSettings, readSettings, SettingsError } from '../service/settings.ts';
import { type Listening, startServer } from '../testing/http-server.ts';
import { startZipkin, type ZipkinSpan } from '../testing/zipkin.ts';
import { withSpan } from './spans.ts';

type Attribute = { key: string; value: { stringValue: string } };
type OtlpRequest = { path: string; type: string; body: Buffer };

let zipkin: Awaited<ReturnType<typeof startZipkin>>;
let collector: Listening;
let otlpRequests: OtlpRequest[];
let service: Service;

beforeEach(async () => {
  zipkin = await startZipkin();
  otlpRequests = [];
  collector = await startServer(async (request, response) => {
    const { url: path = '', headers } = request;
    otlpRequests.push({ path, type: headers['content-type'] ?? '', body: await buffer(request) });
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await service?.app.close();
  await zipkin.stop();
  await collector.stop();
});

const link = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), traceFlags: 1 };

const sample = defineService({
  name: 'sample',
  version: '1.2.3',
  settings: platformSettings,
  register(app, { tracing }) {
    app.get('/things', async () => ({}));
    app.get('/delivers', () => tracing.background('deliver events', [link], async () => ({})));
    app.get('/fails', () =>
      withSpan({ name: 'users getMe', kind: 'client', peer: 'users' }, async () => {
        throw Object.assign(new Error('a secret sentence'), { code: 'unavailable' });
      }),
    );
  },
});

/** Serves a request with variables that both the service and the SDK read, and stops. */
async function serve(url: string, env: Record<string, string>, headers: Record<string, string> = {}) {
  const variables = {
    LOG_LEVEL: 'silent',
    OTEL_TRACES_EXPORTER: 'zipkin',
    OTEL_TRACES_SAMPLER: 'always_on',
    OTEL_EXPORTER_ZIPKIN_ENDPOINT: zipkin.endpoint,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin,
    ...env,
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  service = await buildService(sample, readSettings(sample.settings, variables));
  await service.app.inject({ url, headers });
  await service.app.close();
}

async function zipkinSpan(env: Record<string, string>): Promise<ZipkinSpan | undefined> {
  await serve('/things', env);
  return zipkin.spans[0];
}

/** The body that an OTLP collector received as JSON. */
async function otlpTraces(url: string, env: Record<string, string> = {}) {
  await serve(url, { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', ...env });
  const [{ resource, scopeSpans }] = JSON.parse(String(otlpRequests[0]?.body)).resourceSpans;
  return { resource: resource.attributes as Attribute[], spans: scopeSpans[0].spans };
}

describe('the name of a service in traces', () => {
  const attributes = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=attribute,k8s.pod.name=pod%2D1' };
  const names = [
    ['its own', {}, 'sample'],
    ['that of OTEL_RESOURCE_ATTRIBUTES, which wins over its own', attributes, 'attribute'],
    ['OTEL_SERVICE_NAME, which wins over both', { ...attributes, OTEL_SERVICE_NAME: 'variable' }, 'variable'],
  ] as const;

  it.each(names)('in Zipkin is %s', async (_which, env, name) => {
    expect((await zipkinSpan(env))?.localEndpoint.serviceName).toBe(name);
  });

  it.each(names)('in OTLP is %s', async (_which, env, name) => {
    const { resource } = await otlpTraces('/things', env);
    expect(resource).toContainEqual({ key: 'service.name', value: { stringValue: name } });
    expect(resource.filter(({ key }) => key === 'service.name')).toHaveLength(1);
  });
});

describe('OTEL_RESOURCE_ATTRIBUTES', () => {
  it('are decoded, and are in every span', async () => {
    const span = await zipkinSpan({ OTEL_RESOURCE_ATTRIBUTES: 'k8s.pod.name=pod%2D1,region=eu' });
    expect(span?.tags).toMatchObject({ 'k8s.pod.name': 'pod-1', region: 'eu', 'service.version': '1.2.3' });
  });

  it.each(['region=eu,broken', 'region=eu,x=%zz'])(
    'are left out as a whole if one is wrong: %s',
    async (all) => {
      const span = await zipkinSpan({ OTEL_RESOURCE_ATTRIBUTES: all });
      expect(span?.tags).toMatchObject({ 'service.version': '1.2.3' });
      expect(span?.tags).not.toHaveProperty('region');
    },
  );
});

describe('OTEL_TRACES_SAMPLER', () => {
  const parents = { alone: undefined, unsampled: '00', sampled: '01' };

  it.each([
    ['always_on', '0.5', ['alone', 'unsampled', 'sampled']],
    ['always_off', '0.5', []],
    ['traceidratio', '0', []],
    ['traceidratio', '1', ['alone', 'unsampled', 'sampled']],
    ['parentbased_always_on', '0.5', ['alone', 'sampled']],
    ['parentbased_always_off', '0.5', ['sampled']],
    ['parentbased_traceidratio', '0', ['sampled']],
    ['parentbased_traceidratio', '1', ['alone', 'sampled']],
  ])('%s with %s records the requests: %s%s', async (sampler, ratio, ...[recorded]) => {
    const env = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: ratio };
    const found: string[] = [];
    for (const [name, flags] of Object.entries(parents)) {
      const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-${flags}`;
      await serve('/things', env, flags === undefined ? {} : { traceparent });
      if (zipkin.spans.splice(0).length > 0) found.push(name);
    }
    expect(found).toEqual(recorded);
  });
});

describe('OTEL_SDK_DISABLED', () => {
  it.each(['true', 'True', 'TRUE'])('%s makes no spans', async (value) => {
    expect(await zipkinSpan({ OTEL_SDK_DISABLED: value })).toBeUndefined();
  });

  it.each(['false', 'False', ''])('%s makes them', async (value) => {
    expect(await zipkinSpan({ OTEL_SDK_DISABLED: value })).toBeDefined();
  });
});

describe('spans sent by OTLP', () => {
  it('have their place, times, failure and peer, and nothing of an error text', async () => {
    const before = Date.now();
    const { spans } = await otlpTraces('/fails');
    const after = Date.now();
    const [call, request] = spans;
    expect(request).toMatchObject({ name: 'GET /fails', kind: 2, status: { code: 2, message: 'internal' } });
    expect(call).toMatchObject({
      traceId: request.traceId,
      parentSpanId: request.spanId,
      name: 'users getMe',
      kind: 3,
      status: { code: 2, message: 'unavailable' },
    });
    expect(call.attributes).toContainEqual({ key: 'peer.service', value: { stringValue: 'users' } });
    expect(JSON.stringify(spans)).not.toContain('secret');
    const [start, end] = [request.startTimeUnixNano, request.endTimeUnixNano].map((ns) => Number(ns) / 1e6);
    expect(start).toBeGreaterThan(before - 20);
    expect(end).toBeGreaterThanOrEqual(Number(start));
    expect(end).toBeLessThan(after + 20);
  });

  it('have their links', async () => {
    const { spans } = await otlpTraces('/delivers');
    const { traceId, spanId } = link;
    expect(spans[0]).toMatchObject({ name: 'deliver events', links: [{ traceId, spanId }] });
  });

  it.each([
    [{}, 'application/x-protobuf'],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, 'application/json'],
    [
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' },
      'application/x-protobuf',
    ],
    [
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
      'application/json',
    ],
  ])('with the protocol %j are %s', async (protocols, type) => {
    await serve('/things', { OTEL_TRACES_EXPORTER: 'otlp', ...(protocols as Record<string, string>) });
    expect(otlpRequests).toEqual([expect.objectContaining({ path: '/v1/traces', type })]);
    expect(otlpRequests[0]?.body.includes('GET /things')).toBe(true);
  });

  it('delay a stop by no more than its bound when the collector does not answer', async () => {
    collector.server.removeAllListeners('request');
    const startedAt = performance.now();
    await serve('/things', { OTEL_TRACES_EXPORTER: 'otlp' });
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });
});

it('what is wrong is reported together, at the start', () => {
  const wrong = {
    OTEL_SDK_DISABLED: 'yes',
    OTEL_TRACES_EXPORTER: 'jaeger',
    OTEL_TRACES_SAMPLER_ARG: '2',
    OTEL_PROPAGATORS: 'tracecontext,none',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'carrier pigeon',
    OTEL_BSP_MAX_QUEUE_SIZE: '0',
  };
  const reading = () => readSettings(sample.settings, wrong);
  expect(reading).toThrow(SettingsError);
  for (const name of Object.keys(wrong)) expect(reading).toThrow(name);
});
