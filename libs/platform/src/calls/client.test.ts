import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Operation } from '@slipway/contract-kit/operation';
import { Type } from '@slipway/contract-kit/type';
import { describe, expect, expectTypeOf, it, onTestFinished } from 'vitest';
import { createMetrics } from '../telemetry/metrics.ts';
import { answering, serve, type TestServer } from '../testing/faulty-server.ts';
import { createClient } from './client.ts';
import { createUpstream } from './upstream.ts';

const Plan = Type.Object({ id: Type.String(), price: Type.Integer() });
const access = 'public';

const getPlan = {
  method: 'GET',
  url: '/plans/:planId/versions/:version',
  schema: {
    operationId: 'getPlan',
    summary: 'Reads a plan',
    params: Type.Object({ planId: Type.String(), version: Type.Integer() }),
    response: { 200: Plan },
  },
  config: { access },
} as const satisfies Operation;

const listPlans = {
  method: 'GET',
  url: '/plans',
  schema: {
    operationId: 'listPlans',
    summary: 'Lists plans',
    querystring: Type.Object({ tag: Type.Array(Type.String()), limit: Type.Integer({ default: 10 }) }),
    response: { 200: Type.Object({ items: Type.Array(Plan) }) },
  },
  config: { access },
} as const satisfies Operation;

const addPlan = {
  method: 'POST',
  url: '/plans',
  schema: { operationId: 'addPlan', summary: 'Adds a plan', body: Plan, response: { 201: Plan } },
  config: { access, idempotency: 'required' },
} as const satisfies Operation;

const importPlans = {
  method: 'POST',
  url: '/plans/import',
  schema: {
    operationId: 'importPlans',
    summary: 'Adds many plans',
    consumes: ['application/x-ndjson'],
    response: { 200: Type.Object({ added: Type.Integer() }) },
  },
  config: { access },
} as const satisfies Operation;

const removePlans = {
  method: 'DELETE',
  url: '/plans',
  schema: { operationId: 'removePlans', summary: 'Removes all plans', response: { 204: Type.Null() } },
  config: { access },
} as const satisfies Operation;

const operations = { getPlan, listPlans, addPlan, importPlans, removePlans };

function clientOf({ origin }: TestServer, maxBytes?: number) {
  const upstream = createUpstream({ name: 'plans', address: origin, metrics: createMetrics('test', '0') });
  onTestFinished(() => upstream.close());
  return createClient(upstream, operations, { maxBytes });
}

/** Responds with the request: its line, its headers and its body. */
const mirror = () =>
  serve(async (request, response) => {
    const { method, url, headers } = request;
    response.end(JSON.stringify({ line: `${method} ${url}`, headers, body: await textOf(request) }));
  });

async function textOf(request: IncomingMessage): Promise<string> {
  return Buffer.concat(await request.toArray()).toString();
}

const soldOut = {
  type: '/docs/errors#sold_out',
  title: 'Nothing is left',
  status: 409,
  code: 'sold_out',
  detail: 'The last one went a minute ago',
  errors: [{ field: 'body.id', message: 'is sold out' }],
};

describe('a call by the typed client', () => {
  it('encodes path parameters, so that none can reach another route', async () => {
    const client = clientOf(await mirror());
    const sent = await client.getPlan({ params: { planId: '../a b/ü?x=1#y', version: 2 } });
    expect(sent).toMatchObject({ line: 'GET /plans/..%2Fa%20b%2F%C3%BC%3Fx%3D1%23y/versions/2' });
  });

  it.each(['', '.', '..'])(
    'rejects %j as a path parameter, because it would change the path',
    async (planId) => {
      const server = await mirror();
      await expect(clientOf(server).getPlan({ params: { planId, version: 2 } })).rejects.toThrow(
        new TypeError(`/plans/:planId/versions/:version cannot have '${planId}' as its planId`),
      );
      expect(server.hits).toBe(0);
    },
  );

  it('repeats the arrays of a query and omits undefined values', async () => {
    const client = clientOf(await mirror());
    expect(await client.listPlans({ query: { tag: ['a&b', 'c'], limit: undefined } })).toMatchObject({
      line: 'GET /plans?tag=a%26b&tag=c',
    });
    expect(await client.listPlans()).toMatchObject({ line: 'GET /plans' });
  });

  it('sends its body as JSON together with the headers it is given', async () => {
    const client = clientOf(await mirror());
    const body = { id: 'basic', price: 500 };
    expect(await client.addPlan({ body, headers: { 'Idempotency-Key': 'k1' } })).toMatchObject({
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', accept: 'application/json', 'idempotency-key': 'k1' },
    });
  });

  it('streams a body of another media type', async () => {
    const client = clientOf(await mirror());
    expect(await client.importPlans({ body: Readable.from(['{}\n', '{}\n']) })).toMatchObject({
      body: '{}\n{}\n',
      headers: { 'content-type': 'application/x-ndjson', 'transfer-encoding': 'chunked' },
    });
  });

  it('names a media type only if it sends a body', async () => {
    const { headers } = (await clientOf(await mirror()).listPlans()) as unknown as IncomingMessage;
    expect(headers).not.toHaveProperty('content-type');
    expect(headers).not.toHaveProperty('transfer-encoding');
  });

  it('resolves with undefined for 204', async () => {
    expect(await clientOf(await answering(204)).removePlans()).toBeUndefined();
  });

  it('is retried if that is allowed', async () => {
    const server = await answering(503);
    const client = clientOf(server);
    const body = { id: 'basic', price: 500 };
    await expect(client.addPlan({ body })).rejects.toThrow();
    expect(server.hits).toBe(1);
    await expect(client.addPlan({ body, headers: { 'idempotency-key': 'k1' } })).rejects.toThrow();
    expect(server.hits).toBe(4);
  });
});

describe('an unsuccessful response', () => {
  it('rejects with its code, status, detail, fields and the time to retry after', async () => {
    const document = { ...soldOut, status: 503, code: 'restocking' };
    const headers = { 'content-type': 'application/problem+json', 'retry-after': '30' };
    const client = clientOf(await answering(503, headers, JSON.stringify(document)));
    await expect(client.getPlan({ params: { planId: 'a', version: 1 } })).rejects.toMatchObject({
      name: 'Problem',
      code: 'restocking',
      status: 503,
      title: 'Nothing is left',
      message: 'The last one went a minute ago',
      fields: [{ field: 'body.id', message: 'is sold out' }],
      retryAfter: 30,
    });
  });

  it.each([
    [404, 'upstream_failed'],
    [500, 'upstream_failed'],
    [502, 'upstream_failed'],
    [503, 'unavailable'],
    [504, 'deadline_exceeded'],
  ])('and no problem document is by its status %d %s', async (status, code) => {
    const client = clientOf(await answering(status, { 'content-type': 'text/html' }, '<h1>Sorry</h1>'));
    const message = `plans returned the status ${status}`;
    await expect(client.listPlans()).rejects.toMatchObject({ code, message });
  });

  it('and no problem document may say when to retry', async () => {
    const client = clientOf(await answering(500, { 'retry-after': '30' }, '<h1>Sorry</h1>'));
    await expect(client.listPlans()).rejects.toMatchObject({ code: 'upstream_failed', retryAfter: 30 });
    const silent = clientOf(await answering(400, {}, '<h1>Sorry</h1>'));
    const error = await silent.listPlans().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'upstream_failed', retryAfter: undefined });
    expect(error).toMatchObject({ message: 'plans returned the status 400' });
  });

  it.each([
    ['a string', '"sold out"'],
    ['a foreign error', '{"error":"sold out"}'],
    ['a code of another type', '{"code":7,"status":409}'],
    ['a problem with another status', '{"code":"sold_out","status":9}'],
  ])('and is %s is a failure of the upstream', async (_, body) => {
    const client = clientOf(await answering(409, { 'content-type': 'application/json' }, body));
    await expect(client.listPlans()).rejects.toMatchObject({ code: 'upstream_failed' });
  });
});

describe('an invalid response', () => {
  it('is one that is not JSON', async () => {
    const client = clientOf(await answering(200, { 'content-type': 'text/html' }, '<h1>Hello</h1>'));
    await expect(client.listPlans()).rejects.toMatchObject({
      ...{ code: 'upstream_failed', status: 502, message: 'The response of plans is not JSON' },
    });
  });

  it('is one that is too large: it is aborted, not read to the end', async () => {
    let cutOff: Promise<unknown> = Promise.resolve();
    const endless = await serve((_request, response) => {
      cutOff = once(response, 'close');
      const send = () => {
        while (response.write('x'.repeat(65_536)));
      };
      response.on('drain', send);
      send();
    });
    const client = clientOf(endless, 100_000);
    const message = 'The response of plans has more than 100000 bytes';
    await expect(client.listPlans()).rejects.toMatchObject({ code: 'upstream_failed', message });
    await cutOff;
    expect(endless.hits).toBe(1);
  });
});

describe('the types of the client', () => {
  type PlansClient = ReturnType<typeof clientOf>;

  it('are those of the contract', () => {
    expectTypeOf<PlansClient['getPlan']>().returns.resolves.toEqualTypeOf<{ id: string; price: number }>();
    expectTypeOf<PlansClient['removePlans']>().returns.resolves.toEqualTypeOf<undefined>();
    expectTypeOf<PlansClient['importPlans']>().parameter(0).toHaveProperty('body');
  });

  it('reject what does not fit the contract', () => {
    // Never called: tsc is what tests it, and fails where an expected error is missing.
    const wrongCalls = (client: PlansClient) => [
      // @ts-expect-error a wrong name of a parameter
      client.getPlan({ params: { plan: 'a', version: 1 } }),
      // @ts-expect-error a parameter of the wrong type
      client.getPlan({ params: { planId: 'a', version: '1' } }),
      // @ts-expect-error no parameters
      client.getPlan(),
      // @ts-expect-error a wrong name in the query
      client.listPlans({ query: { tags: ['a'] } }),
      // @ts-expect-error no body
      client.addPlan({}),
      // @ts-expect-error a body that lacks a field
      client.addPlan({ body: { id: 'a' } }),
      // @ts-expect-error a body where there is none
      client.removePlans({ body: {} }),
      // @ts-expect-error an object where text or a stream is sent
      client.importPlans({ body: { id: 'a', price: 1 } }),
      // @ts-expect-error no such operation
      client.getPlans(),
      // @ts-expect-error a field that the answer does not have
      client.getPlan({ params: { planId: 'a', version: 1 } }).then(({ name }) => name),
    ];
    expect(wrongCalls).toBeTypeOf('function');
  });
});
