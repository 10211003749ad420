import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bytes, countBytes, megabyte, responseTo, startUpload } from './testing/bodies.ts';
import { startGateway, type TestGateway } from './testing/service.ts';

let gateway: TestGateway;
let ada: { authorization: string };
let billing: TestGateway['services']['billing'];

beforeAll(async () => {
  gateway = await startGateway();
  ada = await gateway.bearer('ada', 'member');
  ({ billing } = gateway.services);
});
afterAll(() => gateway.stop());
beforeEach(() => {
  billing.seen.length = 0;
});

/** Starts an upload as Ada. */
const upload = (path: string, headers: Record<string, string>) =>
  startUpload(gateway.base + path, { ...ada, ...headers });

describe('the maximum size of a body', () => {
  const path = '/api/v1/usage';
  const json = { 'content-type': 'application/json' };

  it('is checked before anything is forwarded, if the client sends Content-Length', async () => {
    const request = upload(path, { ...json, 'content-length': String(megabyte + 1) });
    request.flushHeaders();
    const { response, body } = await responseTo(request);
    expect(response.statusCode).toBe(413);
    expect(JSON.parse(body)).toMatchObject({ code: 'payload_too_large' });
    expect(billing.seen).toHaveLength(0);
    request.destroy();
  });

  it('is checked while the body is streamed, if the client does not send Content-Length', async () => {
    const arrived = Promise.withResolvers<number>();
    billing.handle = (request) => {
      let count = 0;
      request.on('data', (chunk: Buffer) => {
        count += chunk.length;
      });
      request.once('close', () => arrived.resolve(count));
    };
    const request = upload(path, json);
    const answer = responseTo(request);
    pipeline(Readable.from(bytes(3 * megabyte)), request).catch(() => undefined);
    const { response, body } = await answer;
    expect(response.statusCode).toBe(413);
    expect(JSON.parse(body)).toMatchObject({ code: 'payload_too_large' });
    expect(await arrived.promise).toBeLessThanOrEqual(megabyte);
  });

  it('allows a body of exactly that size', async () => {
    billing.handle = async (request, response) => response.end(String(await countBytes(request)));
    const request = upload(path, json);
    const answer = responseTo(request);
    await pipeline(Readable.from(bytes(megabyte)), request);
    expect((await answer).body).toBe(String(megabyte));
  });

  it('does not count as a failure of the service', async () => {
    for (let n = 0; n < 10; n += 1) {
      const request = upload(path, json);
      const answer = responseTo(request);
      pipeline(Readable.from(bytes(2 * megabyte)), request).catch(() => undefined);
      expect((await answer).response.statusCode).toBe(413);
    }
    billing.handle = (_request, response) => response.end('fine');
    expect((await fetch(`${gateway.base}/api/v1/plans`)).status).toBe(200);
  });
});

describe('headers beyond the limit', () => {
  it('are rejected with a problem document', async () => {
    const { hostname, port } = new URL(gateway.base);
    const socket = connect(Number(port), hostname);
    socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`);
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
    expect(answer).toContain('"code":"headers_too_large"');
  });
});
