import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

// The module is JavaScript, as browsers load it.
const { newId, send } = await import(new URL('api.js', import.meta.url).href);

let server: Server;
let base: string;
let seen: { method?: string; url?: string; key?: string; authorization?: string; body: string }[];
let respond: (response: ServerResponse, count: number) => void;

beforeEach(async () => {
  seen = [];
  server = createServer(async (request: IncomingMessage, response) => {
    const { method, url, headers } = request;
    const key = headers['idempotency-key'] as string | undefined;
    seen.push({ method, url, key, authorization: headers.authorization, body: await text(request) });
    respond(response, seen.length);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => void server.close());

const problem = { code: 'unavailable', title: 'A dependency is unreachable', detail: 'The store is down' };

/** Sends a problem, with a delay that a test can wait for. */
const unavailable = (response: ServerResponse, retryAfter = '0.01') =>
  response.writeHead(503, { 'retry-after': retryAfter }).end(JSON.stringify(problem));

const succeed = (response: ServerResponse) => response.end('{"done":true}');

describe('a request of the console', () => {
  it('sends the token, the query without undefined values, and the body as JSON', async () => {
    respond = succeed;
    const query = { limit: 5, cursor: undefined };
    const options = { query, body: { a: 1 }, token: 't', key: 'k' };
    expect(await send('POST', `${base}/things`, options)).toEqual({ done: true });
    expect(seen).toEqual([
      { method: 'POST', url: '/things?limit=5', key: 'k', authorization: 'Bearer t', body: '{"a":1}' },
    ]);
  });

  it('is repeated with the same key, and reports each retry, until it succeeds', async () => {
    respond = (response, count) => (count < 3 ? unavailable(response) : succeed(response));
    const retries: unknown[] = [];
    const onRetry = (failed: Error, seconds: number) => retries.push([failed.message, seconds]);
    expect(await send('POST', `${base}/pay`, { key: 'k', onRetry })).toEqual({ done: true });
    expect(seen.map(({ key }) => key)).toEqual(['k', 'k', 'k']);
    expect(retries).toEqual(Array(2).fill([problem.detail, 1]));
  });

  it('fails after the fourth attempt', async () => {
    respond = (response) => unavailable(response);
    await expect(send('GET', base)).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    expect(seen).toHaveLength(4);
  });

  it.each([
    ['a repetition could do it twice', 'POST', {}, '0.01'],
    ['the wait would be too long', 'GET', {}, '60'],
    ['there is no time to wait for', 'GET', {}, ''],
  ])('is not repeated if %s', async (_, method, options, retryAfter) => {
    respond = (response) => unavailable(response, retryAfter);
    await expect(send(method, base, options)).rejects.toMatchObject({ code: 'unavailable' });
    expect(seen).toHaveLength(1);
  });

  it('stops waiting for a retry when its view is left', async () => {
    respond = (response) => unavailable(response, '5');
    const leaving = new AbortController();
    const sent = send('GET', base, { signal: leaving.signal, onRetry: () => leaving.abort() });
    await expect(sent).rejects.toMatchObject({ name: 'AbortError' });
    expect(seen).toHaveLength(1);
  });

  it('fails with the fields of the problem and the id of the request', async () => {
    const errors = [{ field: 'body.email', message: 'is missing' }];
    const document = { code: 'invalid_request', title: 'T', detail: 'D', errors, correlationId: 'r1' };
    respond = (response) => response.writeHead(400).end(JSON.stringify(document));
    await expect(send('POST', base)).rejects.toMatchObject({
      message: 'D',
      title: 'T',
      status: 400,
      fields: errors,
      requestId: 'r1',
    });
  });

  it('fails with the status if the response is no problem document', async () => {
    respond = (response) => response.writeHead(502).end('<h1>Bad gateway</h1>');
    await expect(send('GET', base)).rejects.toMatchObject({ code: 'invalid_response', status: 502 });
  });

  it('says that the gateway does not respond if there is no connection', async () => {
    server.close();
    await once(server, 'close');
    await expect(send('GET', base)).rejects.toMatchObject({ code: 'unreachable' });
  });
});

it('an id of the console is random, and fits the keys of the API', () => {
  const ids = new Set(Array.from({ length: 100 }, () => newId()));
  expect(ids.size).toBe(100);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
});
