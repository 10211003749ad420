import type { RequestListener } from 'node:http';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import { ZipkinExporter as PackageExporter } from '@opentelemetry/exporter-zipkin';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { listen, startServer } from '../testing/http-server.ts';
import { ZipkinExporter } from './zipkin-exporter.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const stop of stops.splice(0).reverse()) await stop();
});

const link = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), traceFlags: 1 };

/** A call of a database, linked to another trace, that began a fraction of a microsecond after a whole one. */
function databaseSpan(): ReadableSpan {
  const memory = new InMemorySpanExporter();
  const tracer = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: memory })],
  }).getTracer('t');
  const options = { kind: SpanKind.CLIENT, startTime: [1_795_840_016, 123_456_750] as [number, number] };
  const attributes = { 'peer.service': 'mongodb' };
  const span = tracer.startSpan(
    'store find',
    { ...options, attributes, links: [{ context: link }] },
    ROOT_CONTEXT,
  );
  span.end([1_795_840_016, 123_999_000]);
  return memory.getFinishedSpans()[0] as ReadableSpan;
}

/** The address of a server of Zipkin's API, which is stopped after the test. */
async function startZipkin(listener: RequestListener): Promise<string> {
  const { origin, stop } = await startServer(listener);
  stops.push(stop);
  return `${origin}/api/v2/spans`;
}

/** A server that accepts connections and never answers. */
async function startBlackHole() {
  const { origin, stop, sockets } = await listen(
    createServer((socket) => socket.on('error', () => {}).resume()),
  );
  stops.push(stop);
  return { url: `${origin}/api/v2/spans`, sockets };
}

/** The span as an exporter sends it. */
async function sentBy(make: (url: string) => Pick<ZipkinExporter, 'export' | 'shutdown'>) {
  const bodies: string[] = [];
  const url = await startZipkin(async (request, response) => {
    bodies.push(await text(request));
    response.writeHead(202).end();
  });
  const exporter = make(url);
  expect(await resultOf(exporter)).toEqual({ code: 0 });
  await exporter.shutdown();
  return JSON.parse(bodies.join(''))[0];
}

function resultOf(exporter: Pick<ZipkinExporter, 'export'>) {
  return new Promise((resolve) => exporter.export([databaseSpan()], resolve));
}

describe('a span sent to Zipkin', () => {
  it('names who is called and the linked traces, in whole microseconds', async () => {
    const span = await sentBy((url) => new ZipkinExporter(url, 5_000));
    expect(span).toMatchObject({
      name: 'store find',
      kind: 'CLIENT',
      timestamp: 1_795_840_016_123_457,
      remoteEndpoint: { serviceName: 'mongodb' },
      tags: { links: link.traceId },
    });
  });

  it('fails when it is refused', async () => {
    const url = await startZipkin((_request, response) => response.writeHead(400).end());
    const exporter = new ZipkinExporter(url, 5_000);
    expect(await resultOf(exporter)).toEqual({
      code: 1,
      error: new Error('Zipkin answered with status 400'),
    });
    await exporter.shutdown();
  });

  it('is given up after the time limit, and holds one connection until then', async () => {
    const { url, sockets } = await startBlackHole();
    const exporter = new ZipkinExporter(url, 100);
    const startedAt = performance.now();
    const exports = Array.from({ length: 5 }, () => resultOf(exporter));
    await vi.waitFor(() => expect(sockets.size).toBe(1));
    expect(await Promise.all(exports)).toEqual(Array(5).fill(expect.objectContaining({ code: 1 })));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await vi.waitFor(() => expect(sockets.size).toBeLessThanOrEqual(1));
    await exporter.shutdown();
  });
});

/** When one of these fails, the package has closed a gap: take what closes it out of `zipkin-exporter.ts`. */
describe('the exporter of the package still', () => {
  const packaged = () => sentBy((url) => new PackageExporter({ url }));

  it('names no remote endpoint', async () => {
    expect(await packaged()).not.toHaveProperty('remoteEndpoint');
  });

  it('leaves links out', async () => {
    expect(JSON.stringify(await packaged())).not.toContain(link.traceId);
  });

  it('writes fractions of microseconds, which Zipkin rejects', async () => {
    expect((await packaged()).timestamp).not.toBe(Math.round((await packaged()).timestamp));
  });

  it('has no time limit', async () => {
    const { url } = await startBlackHole();
    vi.stubEnv('OTEL_EXPORTER_ZIPKIN_TIMEOUT', '50');
    const done = vi.fn();
    new PackageExporter({ url }).export([databaseSpan()], done);
    await wait(300);
    expect(done).not.toHaveBeenCalled();
  });
});
