import { problem } from '@slipway/contract-kit/problem';
import { Type } from '@slipway/contract-kit/type';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildService, defineService, type Service } from '../service/service.ts';
import { platformSettings, readSettings } from '../service/settings.ts';

const things = defineService({
  name: 'things',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    const body = Type.Object(
      {
        name: Type.String({ minLength: 2 }),
        colour: Type.Optional(Type.Enum(['red', 'green'])),
        parts: Type.Optional(Type.Array(Type.Object({ size: Type.Integer() }))),
      },
      { additionalProperties: false },
    );
    app.post('/things', { schema: { body } }, async () => ({ taken: true }));
    const querystring = Type.Object({ limit: Type.Integer({ default: 10 }) });
    app.get('/things', { schema: { querystring } }, async ({ query }) => query);
    app.delete('/things/:id', async () => ({ gone: true }));
    app.get('/things/latest', async () => ({ id: '7' }));
    app.get('/broken', () => {
      throw new Error('password=hunter2 at /var/secret');
    });
    app.get('/refused-inside', () => {
      throw Object.assign(new Error('SELECT secret'), { statusCode: 409 });
    });
    app.get('/busy', () => {
      throw problem('overloaded', undefined, { retryAfter: 1.2 });
    });
  },
});

let service: Service<undefined>;
const lines: string[] = [];
beforeAll(async () => {
  const logTo = { write: (line: string) => void lines.push(line) };
  service = await buildService(things, readSettings(things.settings, { LOG_LEVEL: 'error' }), { logTo });
});
afterAll(() => service.app.close());

async function send(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  payload?: string | object,
  type?: string,
) {
  const headers = type ? { 'content-type': type } : {};
  const answer = await service.app.inject({ method, url, payload, headers });
  if (answer.statusCode >= 400) expect(answer.headers['content-type']).toBe('application/problem+json');
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

describe('input that violates the contract', () => {
  it('is rejected, with the name of every invalid field', async () => {
    const { status, body } = await send('POST', '/things', {
      name: 'x',
      colour: 'blue',
      parts: [{ size: 1 }, { size: '2' }, {}],
      extra: 1,
    });
    expect(status).toBe(400);
    expect(body).toMatchObject({
      type: '/docs/errors#invalid_request',
      code: 'invalid_request',
      status: 400,
    });
    expect(body.errors).toEqual(
      expect.arrayContaining([
        { field: 'body.extra', message: 'is not a known field' },
        { field: 'body.name', message: 'must NOT have fewer than 2 characters' },
        { field: 'body.colour', message: 'must be one of red, green' },
        { field: 'body.parts.1.size', message: 'must be integer' },
        { field: 'body.parts.2.size', message: 'is missing' },
      ]),
    );
    expect(body.errors).toHaveLength(5);
  });

  it('gets a short response however many errors it has', async () => {
    const many = await send('POST', '/things', { name: 'xx', parts: Array(1_000).fill({}) });
    expect(many.body.errors).toHaveLength(20);
    const tooMany = await send('POST', '/things', { name: 'xx', parts: Array(10_000).fill({}) });
    expect(tooMany.body.errors).toEqual([{ field: 'body.parts.0.size', message: 'is missing' }]);
  });

  it('is converted in a query, where an unknown name is rejected', async () => {
    expect((await send('GET', '/things?limit=3')).body).toEqual({ limit: 3 });
    expect((await send('GET', '/things')).body).toEqual({ limit: 10 });
    expect((await send('GET', '/things?limit=many')).body.errors).toEqual([
      { field: 'query.limit', message: 'must be integer' },
    ]);
    expect((await send('GET', '/things?limt=3')).body.errors).toEqual([
      { field: 'query.limt', message: 'is not a known field' },
    ]);
  });

  it.each([
    ['malformed JSON', '{"name":', 'application/json', 400, 'invalid_request'],
    ['an empty body', '', 'application/json', 400, 'invalid_request'],
    ['a prototype in JSON', '{"__proto__":{"a":1}}', 'application/json', 400, 'invalid_request'],
    ['another media type', '<name/>', 'application/xml', 415, 'unsupported_media_type'],
    ['no usable media type', 'name', 'not a type', 415, 'unsupported_media_type'],
  ])('is rejected when it is %s', async (_what, payload, type, status, code) => {
    const answer = await send('POST', '/things', payload, type);
    expect(answer).toMatchObject({ status, body: { status, code, errors: [{ field: 'body' }] } });
  });
});

describe('a request that no route matches', () => {
  it('is 404 where no route has the path', async () => {
    expect(await send('GET', '/thinks?a=b')).toMatchObject({
      status: 404,
      body: { code: 'not_found', detail: 'There is no /thinks' },
    });
  });

  it('is 405 where routes have the path for other methods, and names them', async () => {
    const put = await send('PUT', '/things', {});
    expect(put).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(put.headers.allow).toBe('POST, GET, HEAD');
    expect((await send('POST', '/things/latest')).headers.allow).toBe('GET, HEAD, DELETE');
    expect((await send('GET', '/things/12')).headers.allow).toBe('DELETE');
  });
});

describe('a failure inside', () => {
  it('reveals nothing of itself to the client', async () => {
    const { status, body } = await send('GET', '/broken');
    expect(status).toBe(500);
    expect(body).toEqual({
      type: '/docs/errors#internal',
      title: 'An unexpected error occurred',
      status: 500,
      code: 'internal',
      detail: 'An unexpected error occurred',
      correlationId: expect.any(String),
    });
  });

  it('does not reveal its text even where a library calls it a client error', async () => {
    const { status, body } = await send('GET', '/refused-inside');
    expect(status).toBe(409);
    expect(JSON.stringify(body)).not.toContain('SELECT');
  });

  it('names whole seconds to retry after', async () => {
    expect((await send('GET', '/busy')).headers['retry-after']).toBe('2');
  });
});

describe('the log of an error', () => {
  const failures = () => lines.filter((line) => line.includes('request failed'));

  it('has the stack of a failure, and no line for a rejection but that of its request', async () => {
    lines.length = 0;
    await service.app.inject('/broken');
    expect(failures()).toEqual([expect.stringContaining('problem-responses.test.ts')]);
    lines.length = 0;
    await service.app.inject('/busy');
    expect(failures()).toEqual([]);
    await expect.poll(() => lines).toEqual([expect.stringContaining('"problem":"overloaded"')]);
  });
});
