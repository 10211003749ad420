import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { problem } from '../http/errors.ts';
import { buildService, defineService, type Service } from '../service/service.ts';
import { platformSettings, readSettings } from '../service/settings.ts';
import { withSpan, withTraceOf } from './spans.ts';
import { currentTraceparent, outgoingHeaders } from './trace-context.ts';

/** A span as Zipkin's API v2 takes it. */
type ZipkinSpan = {
  traceId: string;
  parentId?: string;
  id: string;
  name: string;
  kind?: string;
  localEndpoint: { serviceName: string };
  tags: Record<string, string>;
};

const otherTrace = '00-11111111111111111111111111111111-2222222222222222-01';

let spans: ZipkinSpan[];
let zipkin: ReturnType<typeof createServer>;
let endpoint: string;
let service: Service | undefined;

beforeEach(async () => {
  spans = [];
  zipkin = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    spans.push(...JSON.parse(Buffer.concat(parts).toString()));
    response.writeHead(202).end();
  });
  await new Promise<void>((resolve) => zipkin.listen(0, '127.0.0.1', resolve));
  const { port } = zipkin.address() as AddressInfo;
  endpoint = `http://127.0.0.1:${port}/api/v2/spans`;
});

afterEach(async () => {
  await service?.app.close();
  service = undefined;
  await new Promise((resolve) => zipkin.close(resolve));
});

const sample = defineService({
  name: 'sample',
  version: '1.2.3',
  settings: platformSettings,
  openStore: () => ({
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
    app.get('/event', () =>
      withTraceOf({ trace: otherTrace, source: 'shop' }, 'apply event', async () => ({
        in: currentTraceparent(),
      })),
    );
  },
});

async function start(env: Record<string, string>): Promise<Service> {
  const settings = readSettings(sample.settings, {
    LOG_LEVEL: 'silent',
    OTEL_EXPORTER_ZIPKIN_ENDPOINT: endpoint,
    ...env,
  });
  service = await buildService(sample, settings);
  return service;
}

const recordAll = { OTEL_TRACES_EXPORTER: 'zipkin', OTEL_TRACES_SAMPLER_ARG: '1' };

/** The spans that a service sent by the end of its stop. */
async function spansAfterStop(): Promise<ZipkinSpan[]> {
  await service?.app.close();
  return spans;
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
    expect(JSON.stringify(spans)).not.toContain('swordfish');
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

  it('marks what failed by a code, and says nothing of the error text', async () => {
    const { app } = await start(recordAll);
    await app.inject('/broken');
    const [store, request] = await spansAfterStop();
    expect(store?.tags).toMatchObject({ 'otel.status_code': 'ERROR', error: 'Error' });
    expect(request?.tags).toMatchObject({ 'otel.status_code': 'ERROR', error: 'internal' });
    expect(JSON.stringify(spans)).not.toContain('secret');
  });

  it('holds what the caller did wrong against the caller, not the service', async () => {
    const { app } = await start(recordAll);
    await app.inject('/missing');
    const [request] = await spansAfterStop();
    expect(request?.tags).toMatchObject({ 'error.type': 'not_found', 'http.response.status_code': '404' });
    expect(request?.tags).not.toHaveProperty('error');
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
    const response = await app.inject({ url: '/calls', headers: { traceparent: otherTrace } });
    expect(response.json().traceparent).toBe(otherTrace);
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
    zipkin.removeAllListeners('request');
    const { app } = await start(recordAll);
    await app.inject('/things/7');
    const startedAt = performance.now();
    await app.close();
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    zipkin.closeAllConnections();
  });

  it('is reported in the log of the service', async () => {
    await new Promise((resolve) => zipkin.close(resolve));
    const lines: string[] = [];
    const settings = readSettings(sample.settings, { ...recordAll, OTEL_EXPORTER_ZIPKIN_ENDPOINT: endpoint });
    service = await buildService(sample, settings, { logTo: { write: (line) => lines.push(line) } });
    await service.app.inject('/things/7');
    await service.app.close();
    expect(lines.filter((line) => line.includes('"component":"tracing"'))).not.toEqual([]);
  });
});
