import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bytes, countBytes, megabyte, responseTo, settled, startUpload } from './testing/bodies.ts';
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
const upload = (path = '/api/v1/usage/import', headers: Record<string, string> = {}) =>
  startUpload(gateway.base + path, { ...ada, ...headers });

describe('a request body', () => {
  it('is forwarded unchanged', async () => {
    const body = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
    billing.handle = async (request, response) => {
      const hash = createHash('sha256');
      await pipeline(request, hash);
      response.end(`${request.headers['content-encoding']} ${hash.digest('hex')}`);
    };
    const headers = { ...ada, 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' };
    const answer = await fetch(`${gateway.base}/api/v1/usage/import`, { method: 'POST', headers, body });
    expect(await answer.text()).toBe(`gzip ${createHash('sha256').update(body).digest('hex')}`);
    expect(billing.seen[0]?.headers['content-length']).toBe('200000');
  });

  it('of 200 MB is streamed in constant memory', async () => {
    billing.handle = async (request, response) => response.end(String(await countBytes(request)));
    let most = 0;
    const send = async (size: number) => {
      const request = upload();
      const answer = responseTo(request);
      const source = bytes(size, () => {
        most = Math.max(most, process.memoryUsage().rss);
      });
      await pipeline(Readable.from(source), request);
      expect((await answer).body).toBe(String(size));
    };
    // The first body allocates the memory that the others reuse.
    await send(20 * megabyte);
    const before = process.memoryUsage().rss;
    await send(200 * megabyte);
    expect((most - before) / megabyte).toBeLessThan(100);
  });

  it('is not read faster than the service reads it', async () => {
    const reading = Promise.withResolvers<void>();
    billing.handle = async (request, response) => {
      await reading.promise;
      response.end(String(await countBytes(request)));
    };
    let sent = 0;
    const request = upload();
    const answer = responseTo(request);
    const source = bytes(100 * megabyte, (count) => {
      sent = count;
    });
    const sending = pipeline(Readable.from(source), request);
    expect((await settled(() => sent)) / megabyte).toBeLessThan(40);
    reading.resolve();
    await sending;
    expect((await answer).body).toBe(String(100 * megabyte));
  });

  it('is aborted at the service if the client disconnects', async () => {
    const aborted = Promise.withResolvers<boolean>();
    const started = Promise.withResolvers<void>();
    billing.handle = (request) => {
      request.once('data', () => started.resolve());
      request.once('close', () => aborted.resolve(!request.complete));
    };
    const request = upload();
    request.write('{}\n');
    await started.promise;
    request.destroy();
    expect(await aborted.promise).toBe(true);
  });

  it('is sent to another replica if the first one refuses connections, provided it is small', async () => {
    const twice = await startGateway({ BILLING_URL: `http://127.0.0.1:1,${billing.url}` });
    billing.handle = async (request, response) => response.end(await text(request));
    const send = async (body: string) =>
      fetch(`${twice.base}/api/v1/usage`, {
        method: 'POST',
        headers: { ...(await twice.bearer('ada')), 'content-type': 'application/json' },
        body,
      });
    expect(await (await send('{"id":"u1"}')).text()).toBe('{"id":"u1"}');
    await twice.stop();
  });

  it('is sent again if the connection breaks, provided it is small and has an Idempotency-Key', async () => {
    billing.handle = async (request, response) => {
      if (billing.seen.length === 1) response.destroy();
      else response.end(await text(request));
    };
    const headers = { ...ada, 'content-type': 'application/json', 'idempotency-key': 'k1' };
    const url = `${gateway.base}/api/v1/subscriptions`;
    const answer = await fetch(url, { method: 'POST', headers, body: '{"planId":"starter"}' });
    expect(await answer.text()).toBe('{"planId":"starter"}');
    expect(billing.seen).toHaveLength(2);
  });

  it('is not forwarded if it is small and the client disconnects before its end', async () => {
    const request = upload('/api/v1/usage', { 'content-type': 'application/json', 'content-length': '20' });
    request.write('{"id":');
    await expect.poll(() => gateway.metrics.text()).toMatch(/http_server_requests_in_flight\{.*\} 1/);
    request.destroy();
    await expect.poll(() => gateway.metrics.text()).toMatch(/http_server_requests_in_flight\{.*\} 0/);
    expect(billing.seen).toHaveLength(0);
  });

  it('may be absent', async () => {
    billing.handle = async (request, response) => response.end(String(await countBytes(request)));
    const url = `${gateway.base}/api/v1/subscriptions/s1/cancel`;
    const answer = await fetch(url, { method: 'POST', headers: ada });
    expect(await answer.text()).toBe('0');
  });

  it('does not delay an early response', async () => {
    billing.handle = (_request, response) => {
      response.writeHead(400, { 'content-type': 'application/problem+json', 'retry-after': '7' });
      response.end('{"code":"too_bad"}');
    };
    const request = upload();
    const answer = responseTo(request);
    pipeline(Readable.from(bytes(50 * megabyte)), request).catch(() => undefined);
    const { response, body } = await answer;
    expect(response.statusCode).toBe(400);
    expect(response.headers['retry-after']).toBe('7');
    expect(body).toBe('{"code":"too_bad"}');
  });
});
