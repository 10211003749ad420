import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { Type } from '@slipway/contract-kit/type';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildService, defineService, type Service } from '../service/service.ts';
import { platformSettings, readSettings } from '../service/settings.ts';

const response = { 200: Type.Object({}, { additionalProperties: true }) };

const parcels = defineService({
  name: 'parcels',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    const body = Type.Object({ name: Type.String() });
    app.post('/parcels', { schema: { body, response } }, async (request) => ({
      name: request.body.name,
      host: request.host,
      url: request.url,
    }));
    app.post('/parcels/:id/send', { schema: { response } }, async () => ({ sent: true }));
    app.delete('/parcels/:id', { schema: { response } }, async () => ({ gone: true }));
    app.get('/parcels', { schema: { response } }, async ({ url, host, query }) => ({ url, host, query }));
    app.get('/shelf', async (_request, reply) => reply.header('cache-control', 'max-age=60').send({}));
    app.get('/broken-shelf', async (_request, reply) => {
      reply.header('cache-control', 'max-age=60');
      throw new Error('broken');
    });
  },
});

let service: Service<undefined>;
let port: number;
beforeAll(async () => {
  service = await buildService(parcels, readSettings(parcels.settings, { LOG_LEVEL: 'silent' }));
  port = Number(new URL(await service.app.listen({ port: 0 })).port);
});
afterAll(() => service.app.close());

/** Sends a request as it is: clients tidy it before they send it. */
async function raw(line: string, headers: string[] = [], body = '') {
  const socket = connect(port, '127.0.0.1');
  socket.write([line, 'host: header.example', 'connection: close', ...headers, '', body].join('\r\n'));
  const answer = await text(socket);
  const [head = '', content = ''] = answer.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), head: head.toLowerCase(), body: content };
}

const json = 'content-type: application/json';
const empty = 'content-length: 0';

describe('a request without a body', () => {
  it.each([
    ['JSON', [json]],
    ['JSON of length 0', [json, empty]],
    ['a form, as curl sends it', ['content-type: application/x-www-form-urlencoded', empty]],
    ['what is no media type', ['content-type: nonsense', empty]],
  ])('may say that it is %s where none is taken', async (_what, headers) => {
    expect((await raw('POST /parcels/1/send HTTP/1.1', headers)).status).toBe(200);
    expect((await raw('DELETE /parcels/1 HTTP/1.1', headers)).status).toBe(200);
  });

  it('may be chunked', async () => {
    const chunked = [json, 'transfer-encoding: chunked'];
    expect((await raw('POST /parcels/1/send HTTP/1.1', chunked, '0\r\n\r\n')).status).toBe(200);
    const needed = await raw('POST /parcels HTTP/1.1', chunked, '0\r\n\r\n');
    expect(needed.status).toBe(400);
    expect(needed.body).toContain('"field":"body"');
  });

  it('is 400 where one is needed', async () => {
    for (const headers of [[json], [json, empty], []]) {
      const answer = await raw('POST /parcels HTTP/1.1', headers);
      expect(answer.status).toBe(400);
      expect(answer.body).toContain('"field":"body"');
    }
  });
});

describe('a body', () => {
  const send = (payload: string | Buffer, headers = {}, url = '/parcels') =>
    service.app.inject({
      method: 'POST',
      url,
      payload,
      headers: { 'content-type': 'application/json', ...headers },
    });

  it('is not read where none is taken', async () => {
    for (const payload of ['{"half":', '['.repeat(2_000_000)]) {
      expect((await send(payload, {}, '/parcels/1/send')).statusCode).toBe(200);
      expect((await send(payload, {}, '/nowhere')).statusCode).toBe(404);
    }
    expect((await send('<a/>', { 'content-type': 'application/xml' }, '/parcels/1/send')).statusCode).toBe(
      200,
    );
  });

  it.each(['gzip', 'br', 'x-unknown', 'gzip, identity', 'identity, gzip', '"'])(
    'is 415 with the content coding %s',
    async (coding) => {
      const answer = await send(gzipSync('{"name":"a"}'), { 'content-encoding': coding });
      expect(answer.statusCode).toBe(415);
      expect(answer.headers['accept-encoding']).toBe('identity');
      expect(answer.json()).toMatchObject({
        code: 'unsupported_media_type',
        errors: [{ field: 'header.content-encoding' }],
      });
    },
  );

  it('may say that it is not encoded', async () => {
    expect((await send('{"name":"a"}', { 'content-encoding': 'Identity' })).statusCode).toBe(200);
  });

  it('is 400 if it is nested too deeply', async () => {
    const deep = `{"name":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    for (const payload of [deep, deep.slice(0, 100_000), `{"name":"a","more":${'{"a":'.repeat(40)}`]) {
      const answer = await send(payload);
      expect(answer.statusCode).toBe(400);
      expect(answer.json()).toMatchObject({ code: 'invalid_request', errors: [{ field: 'body' }] });
    }
  });
});

describe('the target of a request', () => {
  it.each([
    ['http://target.example/parcels?a=b', '/parcels?a=b'],
    ['HTTP://target.example:80/parcels', '/parcels'],
    ['https://target.example/parcels', '/parcels'],
  ])('may be absolute: %s', async (target, url) => {
    const { status, body } = await raw(`GET ${target} HTTP/1.1`);
    expect(status).toBe(200);
    const { host, ...answer } = JSON.parse(body);
    expect(answer).toMatchObject({ url });
    expect(host).toMatch(/^target\.example/);
  });

  it.each(['http://target.example', 'http://target.example?/parcels', 'http://target.example//parcels'])(
    'is 404 if it is absolute and leads nowhere: %s',
    async (target) => {
      expect((await raw(`GET ${target} HTTP/1.1`)).status).toBe(404);
    },
  );

  it.each(['*parcels', '*/parcels', '*', 'ftp://target.example/parcels', 'http:///parcels', 'x://y/parcels'])(
    'is 400 if it is neither: %s',
    async (target) => {
      const answer = await raw(`GET ${target} HTTP/1.1`);
      expect(answer.status).toBe(400);
      expect(answer.head).toContain('application/problem+json');
    },
  );

  it('may be the server as a whole for OPTIONS', async () => {
    expect((await raw('OPTIONS * HTTP/1.1')).status).toBeLessThan(500);
  });
});

describe('an answer', () => {
  const safe = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

  it('is neither stored nor taken for something else', async () => {
    for (const url of ['/parcels', '/parcels?wrong=1', '/nowhere', '/parcels/%zz', '/broken-shelf']) {
      expect((await service.app.inject(url)).headers).toMatchObject(safe);
    }
    const malformed = await raw('GET /parcels HTTP/1.1', ['broken header']);
    expect(malformed.head).toContain('cache-control: no-store');
    expect(malformed.head).toContain('x-content-type-options: nosniff');
  });

  it('is stored if its route says so', async () => {
    expect((await service.app.inject('/shelf')).headers).toMatchObject({
      ...safe,
      'cache-control': 'max-age=60',
    });
  });
});
