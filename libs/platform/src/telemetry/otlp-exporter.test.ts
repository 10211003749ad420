import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { otlpExporter } from './otlp-exporter.ts';
import { Span } from './span.ts';

type Request = { path: string; type: string; body: Buffer };

let requests: Request[];
let collector: ReturnType<typeof createServer>;

beforeEach(async () => {
  requests = [];
  collector = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const { url: path = '', headers } = request;
    requests.push({ path, type: headers['content-type'] ?? '', body: Buffer.concat(parts) });
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  // Read by the exporter of OpenTelemetry itself.
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${port}`);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  collector.closeAllConnections();
  await new Promise((resolve) => collector.close(resolve));
});

const link = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) };

function failedCall(): Span {
  const facts = {
    name: 'users getMe',
    kind: 'client' as const,
    peer: 'users',
    attributes: { 'http.request.method': 'GET' },
    links: [link],
  };
  const place = { traceId: 'a'.repeat(32), parentId: 'b'.repeat(16), startedAt: performance.now() - 25 };
  const span = new Span(facts, place, () => undefined);
  span.setAttribute('http.response.status_code', 503);
  span.fail('unavailable');
  span.end();
  return span;
}

describe('a span sent by OTLP', () => {
  it('has its place, times, failure, peer and links', async () => {
    const exporter = await otlpExporter('http/json', { 'service.name': 'sample' });
    const before = Date.now();
    await exporter.send([failedCall()], AbortSignal.timeout(5_000));
    await exporter.close();
    const [request] = requests;
    expect(request?.path).toBe('/v1/traces');
    const [{ resource, scopeSpans }] = JSON.parse(String(request?.body)).resourceSpans;
    const [span] = scopeSpans[0].spans;
    expect(resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'sample' } });
    expect(span).toMatchObject({
      traceId: 'a'.repeat(32),
      parentSpanId: 'b'.repeat(16),
      name: 'users getMe',
      kind: 3,
      status: { code: 2, message: 'unavailable' },
      links: [link],
    });
    expect(span.attributes).toEqual(
      expect.arrayContaining([
        { key: 'http.response.status_code', value: { intValue: 503 } },
        { key: 'peer.service', value: { stringValue: 'users' } },
      ]),
    );
    const [start, end] = [span.startTimeUnixNano, span.endTimeUnixNano].map((nano) => Number(nano) / 1e6);
    expect(Math.abs(Number(start) - (before - 25))).toBeLessThan(500);
    expect(Number(end) - Number(start)).toBeGreaterThanOrEqual(25);
  });

  it('goes out as protobuf where that is asked for', async () => {
    const exporter = await otlpExporter('http/protobuf', {});
    await exporter.send([failedCall()], AbortSignal.timeout(5_000));
    await exporter.close();
    expect(requests).toEqual([
      { path: '/v1/traces', type: 'application/x-protobuf', body: expect.any(Buffer) },
    ]);
    expect(requests[0]?.body.includes('users getMe')).toBe(true);
  });

  it('is given up when the collector does not answer in time', async () => {
    collector.removeAllListeners('request');
    const exporter = await otlpExporter('http/json', {});
    await expect(exporter.send([failedCall()], AbortSignal.timeout(50))).rejects.toThrow(/timeout/);
  });
});
