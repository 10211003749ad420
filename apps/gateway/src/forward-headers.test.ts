import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from './testing/service.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.stop());

describe('headers', () => {
  const send = async (headers: Record<string, string>) => {
    const answer = await fetch(`${gateway.base}/api/v1/plans`, { headers });
    return ((await answer.json()) as { headers: Record<string, string> }).headers;
  };

  it('have the origin of the request, whatever the client sent', async () => {
    const said = {
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-port': '1',
      'x-real-ip': '6.6.6.6',
      forwarded: 'for=6.6.6.6',
    };
    const headers = await send(said);
    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': new URL(gateway.base).host,
    });
    for (const name of ['x-forwarded-port', 'x-real-ip', 'forwarded'])
      expect(headers).not.toHaveProperty(name);
  });

  it('have the time since the request was received, whatever the client sent', async () => {
    const age = Number((await send({ 'x-request-age-ms': '60000' }))['x-request-age-ms']);
    expect(age).toBeGreaterThan(0);
    expect(age).toBeLessThan(30_000);
  });

  it('of the trace are sent in one format, whichever the client used', async () => {
    const [trace, span] = ['1'.repeat(32), '2'.repeat(16)];
    const multi = { 'x-b3-traceid': '3'.repeat(32), 'x-b3-spanid': span, 'x-b3-sampled': '1' };
    const headers = await send({ b3: `${trace}-${span}-1`, tracestate: 'vendor=1', ...multi });
    expect(headers.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-00$`));
    for (const name of ['b3', 'tracestate', ...Object.keys(multi)]) expect(headers).not.toHaveProperty(name);
  });

  it('that apply to one connection are not forwarded, including those that Connection names', async () => {
    const { hostname, port } = new URL(gateway.base);
    const socket = connect(Number(port), hostname);
    socket.write(
      'GET /api/v1/plans HTTP/1.1\r\nhost: x\r\nconnection: close, X-Own\r\nx-own: 1\r\nx-other: 2\r\nte: trailers\r\nproxy-authorization: y\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{}',
    );
    const answer = await text(socket);
    expect(answer).toContain('"x-other":"2"');
    for (const name of ['x-own', 'te', 'proxy-authorization', 'expect', 'content-length']) {
      expect(answer).not.toContain(`"${name}":`);
    }
  });

  it('of the response are forwarded, except those of the connection', async () => {
    gateway.services.reporting.handle = (_request, response) => {
      response.writeHead(200, {
        'content-type': 'text/csv',
        etag: '"1"',
        'x-own': '1',
        connection: 'close, x-own',
      });
      response.end('a,b\n');
    };
    const answer = await fetch(`${gateway.base}/api/v1/reports/revenue`, {
      headers: await gateway.bearer('root', 'admin'),
    });
    expect(await answer.text()).toBe('a,b\n');
    expect(answer.headers.get('content-type')).toBe('text/csv');
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.headers.get('x-own')).toBeNull();
    expect(answer.headers.get('connection')).toBe('keep-alive');
  });

  it('have the correlation id in both directions', async () => {
    const answer = await fetch(`${gateway.base}/api/v1/plans`, {
      headers: { 'x-correlation-id': 'journey-1' },
    });
    expect(answer.headers.get('x-correlation-id')).toBe('journey-1');
    expect(await answer.json()).toHaveProperty('headers.x-correlation-id', 'journey-1');
  });
});
