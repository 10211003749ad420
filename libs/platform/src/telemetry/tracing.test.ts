import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { trace } from '@opentelemetry/api';
import { problem } from '@slipway/contract-kit/problem';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildService, defineService, type Service } from '../service/service.ts';
import { platformSettings, readSettings } from '../service/settings.ts';
import { seriesValue } from '../testing/metrics.ts';
import { startZipkin, type ZipkinSpan } from '../testing/zipkin.ts';
import { withSpan, withTraceOf } from './spans.ts';
import { currentTraceparent, outgoingHeaders } from './trace-context.ts';

const otherTrace = '00-11111111111111111111111111111111-2222222222222222-01';

let zipkin: Awaited<ReturnType<typeof startZipkin>>;
let service: Service | undefined;

beforeEach(async () => {
  zipkin = await startZipkin();
});

afterEach(async () => {
  await service?.app.close();
  service = undefined;
  await zipkin.stop();
  vi.unstubAllEnvs();
});

const sample = defineService({
  name: 'sample',
  version: '1.2.3',
  settings: platformSettings,
  openStore: () => ({
    server: 'mongodb',
    ping: async () => undefined,
    close: async () => undefined,
    find: async (id: string) => ({ id }),
    lose: async () => {
      throw new Error('a secret sentence');
    },
  }),
  register(app, { store }) {
    app.get('/things/:id', async (request) => store.find((request.params as { id: string }).id));
    app.get('/calls', () =>
      withSpan({ name: 'GET others', kind: 'client', peer: 'others' }, async () => outgoingHeaders(100)),
    );
    app.get('/broken', () => store.lose());
    app.get('/missing', async () => {
      throw problem('not_found');
    });
    app.get('/calls-and-fails', async (_request, reply) => reply.code(500).send(outgoingHeaders(100)));
    app.get('/late', async () => {
      await wait(60);
      return {};
    });
    app.post('/bodies', async () => ({}));
    app.get('/foreign', async () => {
      const span = trace.getTracer('an instrumentation').startSpan('theirs');
      await nextTurn();
      span.end();
      return outgoingHeaders(100);
    });
    app.get('/event', () =>
      withTraceOf({ trace: otherTrace, source: 'shop' }, 'apply event', async () => ({
        in: currentTraceparent(),
      })),
    );
  },
});

async function start(env: Record<string, string>): Promise<Service> {
  // Some variables are read by the SDK itself, from the environment of the process.
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const settings = readSettings(sample.settings, {
    LOG_LEVEL: 'silent',
    OTEL_EXPORTER_ZIPKIN_ENDPOINT: zipkin.endpoint,
    ...env,
  });
  service = await buildService(sample, settings);
  return service;
}

const recordAll = { OTEL_TRACES_EXPORTER: 'zipkin', OTEL_TRACES_SAMPLER_ARG: '1' };

/** The spans that a service sent by the end of its stop. */
async function spansAfterStop(): Promise<ZipkinSpan[]> {
  await service?.app.close();
  return zipkin.spans;
}

describe('a recorded trace', () => {
  it('shows the request with its store call below it, sent before the service has stopped', async () => {
    const { app } = await start(recordAll);
    await app.inject('/things/7?token=swordfish');
    const [store, request] = await spansAfterStop();
    expect(request).toMatchObject({ name: 'GET /things/:id', kind: 'SERVER' });
    expect(request).not.toHaveProperty('parentId');
    expect(request?.localEndpoint.serviceName).toBe('sample');
    expect(request?.tags).toMatchObject({ 'http.route': '/things/:id', 'http.response.status_code': '200' });
    expect(store).toMatchObject({ name: 'store find', kind: 'CLIENT', parentId: request?.id });
    expect(store?.traceId).toBe(request?.traceId);
    expect(JSON.stringify(zipkin.spans)).not.toContain('swordfish');
  });

  it('goes on from the caller, and to the next service, with the correlation id', async () => {
    const { app } = await start({ ...recordAll, OTEL_TRACES_SAMPLER_ARG: '0' });
    const headers = { traceparent: otherTrace, tracestate: 'vendor=1', 'x-correlation-id': 'journey-1' };
    const response = await app.inject({ url: '/calls', headers });
    const [call, request] = await spansAfterStop();
    expect(request).toMatchObject({ traceId: '1'.repeat(32), parentId: '2'.repeat(16) });
    expect(call?.parentId).toBe(request?.id);
    expect(response.headers['x-correlation-id']).toBe('journey-1');
    expect(response.json()).toMatchObject({
      'x-correlation-id': 'journey-1',
      traceparent: `00-${'1'.repeat(32)}-${call?.id}-01`,
      tracestate: 'vendor=1',
    });
  });

  it('is taken up again by the work on an event that the request caused', async () => {
    const { app } = await start(recordAll);
    const response = await app.inject('/event');
    const event = (await spansAfterStop()).find(({ name }) => name === 'apply event');
    expect(event).toMatchObject({ traceId: '1'.repeat(32), parentId: '2'.repeat(16), kind: 'CONSUMER' });
    expect(response.json().in).toBe(`00-${'1'.repeat(32)}-${event?.id}-01`);
  });

  it('holds the spans that an instrumentation of somebody else makes, below that of the request', async () => {
    const { app } = await start(recordAll);
    await app.inject('/foreign');
    await app.inject({ url: '/foreign', headers: { traceparent: otherTrace.replace(/1$/, '0') } });
    const [theirs, request, ...others] = await spansAfterStop();
    expect(theirs).toMatchObject({ name: 'theirs', traceId: request?.traceId, parentId: request?.id });
    expect(others).toEqual([]);
  });

  it('marks what failed by a code, and says nothing of the error text', async () => {
    const { app } = await start(recordAll);
    await app.inject('/broken');
    const [store, request] = await spansAfterStop();
    expect(store?.tags).toMatchObject({ 'otel.status_code': 'ERROR', error: 'Error' });
    expect(request?.tags).toMatchObject({ 'otel.status_code': 'ERROR', error: 'internal' });
    expect(JSON.stringify(zipkin.spans)).not.toContain('secret');
  });

  it('holds what the caller did wrong against the caller, not the service', async () => {
    const { app } = await start(recordAll);
    await app.inject('/missing');
    const [request] = await spansAfterStop();
    expect(request?.tags).toMatchObject({ 'error.type': 'not_found', 'http.response.status_code': '404' });
    expect(request?.tags).not.toHaveProperty('error');
  });
});

describe('the graph of dependencies', () => {
  it('is told who is talked to: a service, the server of a store, and where an event comes from', async () => {
    const { app } = await start(recordAll);
    for (const url of ['/things/7', '/calls', '/event']) await app.inject(url);
    const peers = (await spansAfterStop()).map(({ name, kind, remoteEndpoint }) => [
      name,
      kind,
      remoteEndpoint?.serviceName,
    ]);
    expect(peers).toEqual([
      ['store find', 'CLIENT', 'mongodb'],
      ['GET /things/:id', 'SERVER', undefined],
      ['GET others', 'CLIENT', 'others'],
      ['GET /calls', 'SERVER', undefined],
      ['apply event', 'CONSUMER', 'shop'],
      ['GET /event', 'SERVER', undefined],
    ]);
  });
});

describe('a request that was not sampled', () => {
  const recordNone = { ...recordAll, OTEL_TRACES_SAMPLER_ARG: '0', TRACE_SLOW_MS: '50' };

  it('and fails is recorded afterwards, in its place below its caller, and says why', async () => {
    const { app } = await start(recordNone);
    await app.inject({ url: '/broken', headers: { traceparent: otherTrace.replace(/1$/, '0') } });
    expect(await spansAfterStop()).toEqual([
      expect.objectContaining({
        traceId: '1'.repeat(32),
        parentId: '2'.repeat(16),
        name: 'GET /broken',
        tags: expect.objectContaining({ 'sampling.reason': 'error', error: 'internal' }),
      }),
    ]);
  });

  it('and is slow is recorded with the time that it began at', async () => {
    const { app } = await start(recordNone);
    const before = Date.now();
    await app.inject('/late');
    const after = Date.now();
    const [span] = await spansAfterStop();
    expect(span?.tags).toMatchObject({ 'sampling.reason': 'slow', 'http.response.status_code': '200' });
    const { timestamp = 0, duration = 0 } = span ?? {};
    expect(duration).toBeGreaterThanOrEqual(50_000);
    // The clocks of the span and of this test agree to some milliseconds.
    expect(timestamp / 1_000).toBeGreaterThan(before - 20);
    expect((timestamp + duration) / 1_000).toBeLessThan(after + 20);
  });

  it('is the parent of what the next service records, if that fails, too', async () => {
    const { app } = await start(recordNone);
    const headers = { traceparent: otherTrace.replace(/1$/, '0') };
    const { traceparent } = (await app.inject({ url: '/calls-and-fails', headers })).json();
    const [span] = await spansAfterStop();
    expect(span?.parentId).toBe('2'.repeat(16));
    expect(span?.id).not.toBe(span?.parentId);
    expect(traceparent).toBe(`00-${span?.traceId}-${span?.id}-00`);
  });

  it('is kept in the first second of a process, too', async () => {
    const { app } = await start(recordNone);
    const clock = vi.spyOn(performance, 'now').mockReturnValue(500);
    await app.inject('/broken');
    clock.mockRestore();
    expect(await spansAfterStop()).toHaveLength(1);
  });

  it('is one of ten a second that are kept, however many fail', async () => {
    const { app } = await start(recordNone);
    const startedAt = performance.now();
    for (let request = 0; request < 100; request += 1) await app.inject('/broken');
    const seconds = Math.floor((performance.now() - startedAt) / 1_000) + 2;
    const { length } = await spansAfterStop();
    expect(length).toBeGreaterThanOrEqual(10);
    expect(length).toBeLessThanOrEqual(10 * seconds);
  });

  it('stays so where nothing is to be sampled at all', async () => {
    const { app } = await start({ ...recordNone, OTEL_TRACES_SAMPLER: 'always_off' });
    await app.inject('/broken');
    expect(await spansAfterStop()).toEqual([]);
  });
});

describe('propagation', () => {
  it('goes on from B3, and in the headers that are asked for', async () => {
    const { app } = await start({ ...recordAll, OTEL_PROPAGATORS: 'tracecontext,b3,b3multi' });
    const b3 = `${'2'.repeat(16)}-${'3'.repeat(16)}-1`;
    const headers = (await app.inject({ url: '/calls', headers: { b3 } })).json();
    const [call, request] = await spansAfterStop();
    expect(request).toMatchObject({ traceId: '0'.repeat(16) + '2'.repeat(16), parentId: '3'.repeat(16) });
    expect(headers).toMatchObject({
      traceparent: `00-${call?.traceId}-${call?.id}-01`,
      b3: `${call?.traceId}-${call?.id}-1`,
      'x-b3-traceid': call?.traceId,
      'x-b3-spanid': call?.id,
      'x-b3-sampled': '1',
    });
  });

  it('is left out where none is asked for', async () => {
    const { app } = await start({ ...recordAll, OTEL_PROPAGATORS: 'none' });
    const headers = (await app.inject('/calls')).json();
    expect(Object.keys(headers).toSorted()).toEqual(['x-correlation-id', 'x-request-timeout-ms']);
  });
});

describe('a span', () => {
  it('holds nothing of addresses, headers and bodies', async () => {
    const { app } = await start(recordAll);
    const secret = 'swordfish';
    const headers = {
      authorization: `Bearer ${secret}`,
      cookie: secret,
      'user-agent': secret,
      'x-forwarded-for': secret,
    };
    await app.inject({ url: `/things/${secret}?mail=${secret}#${secret}`, headers });
    await app.inject({ url: `/${secret}`, headers });
    await app.inject({ method: 'POST', url: '/bodies', headers, payload: { password: secret } });
    const text = JSON.stringify(await spansAfterStop());
    expect(text).toContain('POST /bodies');
    expect(text).not.toContain(secret);
  });

  it('says what the standard variables say of its service', async () => {
    const names = {
      OTEL_SERVICE_NAME: 'other',
      OTEL_RESOURCE_ATTRIBUTES: 'k8s.pod.name=pod%2D1',
    };
    const { app } = await start({ ...recordAll, ...names });
    await app.inject('/missing');
    const [span] = await spansAfterStop();
    expect(span?.localEndpoint.serviceName).toBe('other');
    expect(span?.tags).toMatchObject({ 'service.version': '1.2.3', 'k8s.pod.name': 'pod-1' });
  });
});

describe('a trace that is not recorded', () => {
  it('sends nothing, and tells the next service so', async () => {
    const { app } = await start({ ...recordAll, OTEL_TRACES_SAMPLER_ARG: '0' });
    const { traceparent } = (await app.inject('/calls')).json();
    await app.inject({ url: '/things/7', headers: { traceparent: otherTrace.replace(/1$/, '0') } });
    expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(await spansAfterStop()).toEqual([]);
  });

  it('is handed on as it came where a service has no exporter', async () => {
    const { app } = await start({ OTEL_TRACES_EXPORTER: 'none', OTEL_TRACES_SAMPLER_ARG: '1' });
    const traceparent = otherTrace.replace(/1$/, '0');
    const response = await app.inject({ url: '/calls', headers: { traceparent } });
    expect(response.json().traceparent).toBe(traceparent);
    expect((await app.inject('/calls')).json().traceparent).toMatch(/-00$/);
  });
});

describe('sampling', () => {
  it('records the share of new traces that is set', async () => {
    const { app } = await start({ ...recordAll, OTEL_TRACES_SAMPLER_ARG: '0.25' });
    for (let request = 0; request < 400; request += 1) await app.inject('/missing');
    const recorded = (await spansAfterStop()).length;
    // 100 are expected; six standard deviations to either side.
    expect(recorded).toBeGreaterThan(48);
    expect(recorded).toBeLessThan(152);
  });
});

describe('an exporter that does not answer', () => {
  it('delays a stop by no more than its bound, and fails nothing', async () => {
    zipkin.server.removeAllListeners('request');
    const { app } = await start(recordAll);
    await app.inject('/things/7');
    const startedAt = performance.now();
    await app.close();
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  it('loses no request: spans that find no place are dropped and counted', async () => {
    zipkin.server.removeAllListeners('request');
    const { app, metrics } = await start({ ...recordAll, OTEL_BSP_MAX_QUEUE_SIZE: '20' });
    for (let request = 0; request < 100; request += 1) {
      expect((await app.inject('/missing')).statusCode).toBe(404);
    }
    // 20 wait and 20 are on their way, for ever.
    expect(await seriesValue(metrics, 'otel_spans_dropped_total', { reason: 'queue_full' })).toBe(60);
    expect(await seriesValue(metrics, 'otel_spans_exported_total')).toBe(0);
  });

  it('costs the queue, one batch and one connection, however often a batch is given up', async () => {
    zipkin.server.removeAllListeners('request');
    const limits = {
      OTEL_BSP_MAX_QUEUE_SIZE: '10',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '4',
      OTEL_BSP_SCHEDULE_DELAY: '20',
      OTEL_EXPORTER_ZIPKIN_TIMEOUT: '50',
    };
    const { app, metrics } = await start({ ...recordAll, ...limits });
    const dropped = (reason: string) => seriesValue(metrics, 'otel_spans_dropped_total', { reason });
    for (let round = 1; round <= 5; round += 1) {
      for (let request = 0; request < 20; request += 1) await app.inject('/missing');
      await vi.waitFor(async () => expect(await dropped('export_failed')).toBeGreaterThanOrEqual(4 * round));
    }
    const connections = () =>
      new Promise((resolve) => zipkin.server.getConnections((_, open) => resolve(open)));
    await vi.waitFor(async () => expect(await connections()).toBeLessThanOrEqual(1));
    await vi.waitFor(async () => {
      expect(Number(await dropped('queue_full')) + Number(await dropped('export_failed'))).toBe(100);
    });
  });

  it('is reported in the log of the service', async () => {
    await new Promise((resolve) => zipkin.server.close(resolve));
    const lines: string[] = [];
    const settings = readSettings(sample.settings, {
      ...recordAll,
      OTEL_EXPORTER_ZIPKIN_ENDPOINT: zipkin.endpoint,
    });
    service = await buildService(sample, settings, { logTo: { write: (line) => lines.push(line) } });
    await service.app.inject('/things/7');
    await service.app.close();
    expect(lines.filter((line) => line.includes('"component":"tracing"'))).not.toEqual([]);
  });
});
