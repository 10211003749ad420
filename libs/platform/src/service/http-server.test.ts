import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { Type } from '@slipway/contract-kit/type';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildService, defineService, type Service } from './service.ts';
import { platformSettings, readSettings } from './settings.ts';

let handled = 0;
const limits = defineService({
  name: 'limits',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    const body = Type.Object({}, { additionalProperties: true });
    app.post('/things', { schema: { body } }, async () => {
      handled++;
      return { taken: true };
    });
    app.post('/large', { schema: { body }, config: { bodyLimit: 5_000 } }, async () => ({ taken: true }));
    app.get('/things/:id', async (request) => ({ id: (request.params as { id: string }).id }));
    app.get('/hangs', () => new Promise(() => undefined));
    app.get('/takes-longer', { config: { timeoutMs: 2_000 } }, async () => {
      await wait(400);
      return { done: true };
    });
  },
});

let service: Service<undefined>;
let port: number;

beforeEach(async () => {
  handled = 0;
  const settings = {
    REQUEST_TIMEOUT_MS: '200',
    HEADERS_TIMEOUT_MS: '300',
    BODY_LIMIT_BYTES: '1024',
    KEEP_ALIVE_TIMEOUT_MS: '400',
  };
  service = await buildService(limits, readSettings(limits.settings, { ...settings, LOG_LEVEL: 'silent' }));
  port = Number(new URL(await service.app.listen({ port: 0 })).port);
});
afterEach(() => service.app.close());

/** Sends bytes as they are and reads until the server closes the connection. */
function exchange(...parts: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => {
      for (const part of parts) socket.write(part);
    });
    socket
      .setEncoding('utf8')
      .on('data', (text) => {
        answer += text;
      })
      .on('error', reject)
      .on('close', () => resolve(answer));
  });
}

const problemIn = (answer: string) => {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head.toLowerCase()).toContain('content-type: application/problem+json');
  expect(head.toLowerCase()).toContain('connection: close');
  return { statusLine: head.split('\r\n')[0], ...JSON.parse(body) };
};

describe('the HTTP server', () => {
  it('answers a malformed head with a problem', async () => {
    const answer = problemIn(await exchange('GET /things HTTP/1.1\r\nbroken header\r\n\r\n'));
    expect(answer).toMatchObject({ statusLine: 'HTTP/1.1 400 Bad Request', code: 'invalid_request' });
  });

  it('answers header fields that are too large with a problem', async () => {
    const answer = problemIn(await exchange(`GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`));
    expect(answer).toMatchObject({
      statusLine: 'HTTP/1.1 431 Request Header Fields Too Large',
      code: 'headers_too_large',
    });
  });

  it('rejects a head that does not arrive in time', async () => {
    const answer = problemIn(await exchange('GET /things HTTP/1.1\r\nhost: a\r\n'));
    expect(answer).toMatchObject({ statusLine: 'HTTP/1.1 408 Request Timeout', code: 'request_timeout' });
  });

  it('rejects a body that does not arrive in time, and never handles it', async () => {
    const head =
      'POST /things HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n';
    const answer = problemIn(await exchange(head, '{"half":'));
    expect(answer).toMatchObject({ statusLine: 'HTTP/1.1 408 Request Timeout', code: 'request_timeout' });
    expect(handled).toBe(0);
  });

  it('answers 504 for a handler that takes too long, unless the route may take longer', async () => {
    const late = await fetch(`http://127.0.0.1:${port}/hangs`);
    expect(late.status).toBe(504);
    expect(await late.json()).toMatchObject({ code: 'deadline_exceeded' });
    expect((await service.app.inject('/takes-longer')).json()).toEqual({ done: true });
  });

  it('closes a connection that has been idle for the time set, and not before', async () => {
    const begin = performance.now();
    expect(await exchange('GET /things/1 HTTP/1.1\r\nhost: x\r\n\r\n')).toContain('200 OK');
    expect(performance.now() - begin).toBeGreaterThan(350);
  });

  it('accepts bodies up to the limit of the service, or of the route', async () => {
    const send = (url: string, size: number) =>
      service.app.inject({ method: 'POST', url, payload: { text: 'x'.repeat(size) } });
    expect((await send('/things', 900)).statusCode).toBe(200);
    const refused = await send('/things', 1_100);
    expect(refused.statusCode).toBe(413);
    expect(refused.json()).toMatchObject({ code: 'payload_too_large', errors: [{ field: 'body' }] });
    expect((await send('/large', 4_500)).statusCode).toBe(200);
    expect((await send('/large', 5_100)).statusCode).toBe(413);
  });

  const post = (path: string, more = '') =>
    `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n${more}\r\n{}`;

  it('answers pipelined requests in their order', async () => {
    const answer = await exchange(
      'GET /takes-longer HTTP/1.1\r\nhost: a\r\n\r\n',
      post('/things'),
      'GET /things/1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
    );
    expect(answer.match(/\{.*?\}/g)).toEqual(['{"done":true}', '{"taken":true}', '{"id":"1"}']);
  });

  it('answers a request that closes its connection, and does not carry out what follows it', async () => {
    const answer = await exchange(post('/things', 'connection: close\r\n'), post('/things'));
    expect(answer.match(/^HTTP.*/gm)).toEqual(['HTTP/1.1 200 OK']);
    expect(handled).toBe(1);
  });

  it('does not carry out what was pipelined behind a response that closes the connection', async () => {
    service.lifecycle.advance('draining');
    const slow = 'GET /takes-longer HTTP/1.1\r\nhost: a\r\n\r\n';
    const answer = await exchange(slow, post('/things'), post('/things'));
    expect(answer.match(/^HTTP.*/gm)).toEqual(['HTTP/1.1 200 OK']);
    expect(answer).toContain('{"done":true}');
    expect(handled).toBe(0);
  });

  it('answers a request that is followed by garbage, and closes the connection', async () => {
    const answer = await exchange('GET /takes-longer HTTP/1.1\r\nhost: a\r\n\r\n', 'garbage\r\n\r\n');
    expect(answer.match(/^HTTP.*/gm)).toEqual(['HTTP/1.1 200 OK']);
    expect(answer).toContain('{"done":true}');
  });

  it('uses a well-formed correlation id of the client, and makes one otherwise', async () => {
    const idOf = async (given: string) => {
      const answer = await service.app.inject({ url: '/nothing', headers: { 'x-correlation-id': given } });
      expect(answer.headers['x-correlation-id']).toBe(answer.json().correlationId);
      return answer.json().correlationId;
    };
    expect(await idOf('order-17')).toBe('order-17');
    expect(await idOf('<script>')).toMatch(/^[0-9a-f-]{36}$/);
    expect(await idOf('x'.repeat(65))).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each(['/things/%zz', `/things/${'x'.repeat(600)}`])(
    'refuses the path %s with a problem',
    async (url) => {
      const answer = await service.app.inject(url);
      expect(answer.statusCode).toBe(400);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(answer.json()).toMatchObject({ code: 'invalid_request' });
    },
  );
});
