import { setTimeout as wait } from 'node:timers/promises';
import type { Operation } from '@slipway/contract-kit/operation';
import { Problem, problem } from '@slipway/contract-kit/problem';
import { Type } from '@slipway/contract-kit/type';
import type { App } from '@slipway/platform/core/app';
import { registerAccess } from '@slipway/platform/http/access';
import { operationIdOf } from '@slipway/platform/http/idempotency';
import { buildService, defineService, type Service } from '@slipway/platform/service/service';
import { platformSettings, readSettings } from '@slipway/platform/service/settings';
import { inject } from '@slipway/platform/testing/inject';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openSqlite } from './database.ts';
import { idempotencyMigrations, sqliteIdempotency } from './idempotency.ts';

const order = {
  method: 'POST',
  url: '/shops/:shop/orders',
  schema: {
    operationId: 'order',
    summary: 'Orders',
    params: Type.Object({ shop: Type.String() }),
    querystring: Type.Object({ gift: Type.Optional(Type.Boolean()) }),
    body: Type.Object({ item: Type.String() }),
    response: {},
  },
  config: { access: 'member', idempotency: 'required' },
} as const satisfies Operation;

type Handler = (item: string, operationId: string) => unknown;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanups.splice(0)) await cleanUp();
});

/** A shop whose orders do what `handle` says; the routes are in a plugin of their own, as in any service. */
async function openShop(handle: Handler, url = 'sqlite::memory:') {
  const db = openSqlite(url, idempotencyMigrations);
  const store = { idempotency: sqliteIdempotency(db), ping: async () => {}, close: async () => db.close() };
  const shop = defineService({
    name: 'shop',
    version: '1.0.0',
    settings: platformSettings,
    openStore: () => store,
    async register(app) {
      await app.register(async (routes: App) => {
        registerAccess(routes, { verify: async (token) => ({ subject: token, roles: [] }) });
        routes.route({
          ...order,
          handler: async (request, reply) => {
            const answer = await handle(request.body.item, operationIdOf(request));
            return reply.code(201).send(answer);
          },
        });
      });
    },
  });
  const service = await buildService(shop, readSettings(platformSettings, { LOG_LEVEL: 'silent' }));
  cleanups.push(() => service.app.close());
  return { ...service, db, store };
}

type Sent = { key?: string; user?: string; url?: string; body?: object };

function send(
  service: Pick<Service, 'app'>,
  { key = 'key', user = 'zoe', url = '/shops/a/orders', body = { item: 'tea' } }: Sent = {},
) {
  const headers = { authorization: `Bearer ${user}`, 'idempotency-key': key };
  return inject(service, { method: 'POST', url, headers, payload: body });
}

describe('the Idempotency-Key', () => {
  it('is required, and named in the error if it is missing or malformed', async () => {
    const handle = vi.fn();
    const shop = await openShop(handle);
    for (const key of ['', 'two words', 'ключ', 'x'.repeat(256)]) {
      const answer = await send(shop, { key });
      expect(answer.statusCode).toBe(400);
      expect(answer.json()).toMatchObject({
        code: 'invalid_request',
        errors: [{ field: 'header.idempotency-key', message: 'must be 1 to 255 visible ASCII characters' }],
      });
    }
    const headers = { authorization: 'Bearer zoe' };
    const payload = { item: 'tea' };
    const answer = await inject(shop, { method: 'POST', url: '/shops/a/orders', headers, payload });
    expect(answer.json().errors).toEqual([{ field: 'header.idempotency-key', message: 'is required' }]);
    expect(handle).not.toHaveBeenCalled();
  });

  it('may have 1 to 255 characters', async () => {
    const shop = await openShop(() => ({}));
    expect((await send(shop, { key: '!' })).statusCode).toBe(201);
    expect((await send(shop, { key: '~'.repeat(255) })).statusCode).toBe(201);
  });
});

describe('a repeated request', () => {
  it('gets the first response, marked as such, and has no second effect', async () => {
    const handle = vi.fn((item: string, id: string) => ({ id, item, text: 'Zoë 🚢' }));
    const shop = await openShop(handle);
    const first = await send(shop);
    const second = await send(shop);
    expect(first.statusCode).toBe(201);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(second.statusCode).toBe(201);
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect(second.headers['content-type']).toBe(first.headers['content-type']);
    expect(second.body).toBe(first.body);
    expect(handle).toHaveBeenCalledOnce();
  });

  it('is the same whatever the order of its fields', async () => {
    const handle = vi.fn(() => ({}));
    const shop = await openShop(handle);
    await send(shop, { body: { item: 'tea', options: { a: 1, b: [{ c: 1, d: 2 }] } } });
    const second = await send(shop, { body: { options: { b: [{ d: 2, c: 1 }], a: 1 }, item: 'tea' } });
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect(handle).toHaveBeenCalledOnce();
  });

  it.each([
    ['body', { body: { item: 'coffee' } }],
    ['order of a list', { body: { item: 'tea', list: [2, 1] } }],
    ['query', { url: '/shops/a/orders?gift=true', body: { item: 'tea', list: [1, 2] } }],
  ])('with another %s is refused', async (_part, other) => {
    const shop = await openShop(() => ({}));
    await send(shop, { body: { item: 'tea', list: [1, 2] } });
    const answer = await send(shop, other);
    expect(answer.statusCode).toBe(422);
    expect(answer.json().code).toBe('idempotency_key_reused');
  });

  it.each([
    ['caller', { user: 'max' }],
    ['path', { url: '/shops/b/orders' }],
    ['key', { key: 'another' }],
  ])('of another %s is another request', async (_part, other) => {
    const shop = await openShop((_item, id) => ({ id }));
    const first = await send(shop);
    const second = await send(shop, other);
    expect(second.statusCode).toBe(201);
    expect(second.json().id).not.toBe(first.json().id);
  });

  it('is rejected while the first runs, and gets its response when that has finished', async () => {
    const { promise, resolve } = Promise.withResolvers<object>();
    const started = Promise.withResolvers<void>();
    const shop = await openShop(() => {
      started.resolve();
      return promise;
    });
    const first = send(shop);
    await started.promise;
    const second = await send(shop);
    expect(second.statusCode).toBe(409);
    expect(second.json().code).toBe('request_in_flight');
    expect(second.headers['retry-after']).toBe('1');
    expect((await send(shop, { body: { item: 'coffee' } })).statusCode).toBe(422);
    resolve({ done: true });
    expect((await first).statusCode).toBe(201);
    expect((await send(shop)).json()).toEqual({ done: true });
  });

  it('runs once when 30 are sent at the same time', async () => {
    const handle = vi.fn(async () => ({ done: await wait(20, true) }));
    const shop = await openShop(handle);
    const answers = await Promise.all(Array.from({ length: 30 }, () => send(shop)));
    expect(handle).toHaveBeenCalledOnce();
    const statuses = answers.map(({ statusCode }) => statusCode).sort();
    expect(statuses[0]).toBe(201);
    expect(new Set(statuses.slice(1))).toEqual(new Set([409]));
  });
});

describe('a failed request', () => {
  it.each([402, 404, 409, 422] as const)(
    'gets its %i again, because the handler has decided',
    async (status) => {
      const handle = vi.fn(() => {
        throw new Problem('decided', { status, title: 'No' });
      });
      const shop = await openShop(handle);
      const first = await send(shop);
      const second = await send(shop);
      expect([first.statusCode, second.statusCode]).toEqual([status, status]);
      expect(second.body).toBe(first.body);
      expect(second.headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect(handle).toHaveBeenCalledOnce();
    },
  );

  it.each([
    'internal',
    'unavailable',
    'deadline_exceeded',
    'unauthenticated',
    'forbidden',
    'request_timeout',
    'rate_limited',
    'request_in_flight',
  ] as const)('runs again after %s, as the same operation', async (code) => {
    const ids: string[] = [];
    const shop = await openShop((_item, id) => {
      if (ids.push(id) === 1) throw problem(code);
      return { id };
    });
    expect((await send(shop)).json().code).toBe(code);
    expect((await send(shop)).statusCode).toBe(201);
    expect(ids[1]).toBe(ids[0]);
  });

  it('runs again only with the same body, because it may have had its effect', async () => {
    const handle = vi.fn((item: string) => {
      if (handle.mock.calls.length === 1) throw problem('unavailable');
      return { item };
    });
    const shop = await openShop(handle);
    expect((await send(shop)).statusCode).toBe(503);
    const other = await send(shop, { body: { item: 'coffee' } });
    expect([other.statusCode, other.json().code]).toEqual([422, 'idempotency_key_reused']);
    expect((await send(shop)).json()).toEqual({ item: 'tea' });
    expect(handle.mock.calls.map(([item]) => item)).toEqual(['tea', 'tea']);
  });

  it('of malformed input does not use up its key', async () => {
    const shop = await openShop(() => ({}));
    expect((await send(shop, { body: { item: 1 } })).statusCode).toBe(400);
    expect((await send(shop)).statusCode).toBe(201);
  });
});

describe('the operation id', () => {
  it('is the same after a restart on the same file, and safe in URLs', async () => {
    const ids: string[] = [];
    for (let start = 0; start < 2; start += 1) {
      const shop = await openShop((_item, id) => ids.push(id));
      await send(shop);
    }
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(ids[1]).toBe(ids[0]);
  });
});

describe('a reservation that a crash left', () => {
  it('is taken over after the longest time of a request, with the same operation id', async () => {
    const ids: string[] = [];
    const shop = await openShop((_item, id) => {
      ids.push(id);
      return { id };
    });
    await send(shop);
    // As if the process had been killed after the effect and before the answer was kept.
    shop.db.exec('UPDATE idempotency SET status = NULL, content_type = NULL, body = NULL');
    expect((await send(shop)).statusCode).toBe(409);
    const timeout = readSettings(platformSettings, {}).REQUEST_TIMEOUT_MS;
    const age = (ms: number) => shop.db.exec(`UPDATE idempotency SET reserved_at = reserved_at - ${ms}`);
    age(timeout);
    expect((await send(shop)).statusCode).toBe(409);
    age(5_001);
    expect((await send(shop)).statusCode).toBe(201);
    expect(ids).toEqual([ids[0], ids[0]]);
  });

  it('does not turn a good response into an error when it cannot be stored', async () => {
    const shop = await openShop(() => ({ done: true }));
    vi.spyOn(shop.store.idempotency, 'complete').mockRejectedValue(new Error('disk full'));
    const answer = await send(shop);
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toEqual({ done: true });
  });
});

it('stores the response for a client that disconnected before it', async () => {
  const { promise, resolve } = Promise.withResolvers<object>();
  const started = Promise.withResolvers<void>();
  const handle = vi.fn(() => {
    started.resolve();
    return promise;
  });
  const shop = await openShop(handle);
  const address = await shop.app.listen({ port: 0, host: '127.0.0.1' });
  const leaving = new AbortController();
  const headers = {
    authorization: 'Bearer zoe',
    'idempotency-key': 'key',
    'content-type': 'application/json',
  };
  const request = { method: 'POST', headers, body: '{"item":"tea"}', signal: leaving.signal };
  const left = fetch(`${address}/shops/a/orders`, request).catch((error: Error) => error.name);
  await started.promise;
  leaving.abort();
  expect(await left).toBe('AbortError');
  resolve({ done: true });
  await vi.waitFor(async () => expect((await send(shop)).statusCode).toBe(201));
  expect((await send(shop)).json()).toEqual({ done: true });
  expect(handle).toHaveBeenCalledOnce();
});

it('bounds what it stores for one caller, and a key beyond that is the same operation again', async () => {
  const ids: string[] = [];
  const shop = await openShop((item, id) => {
    ids.push(id);
    return { item, text: 'x'.repeat(900_000) };
  });
  const count = () => Number(shop.db.prepare('SELECT count(*) AS count FROM idempotency').get()?.count);
  for (let n = 0; n < 14; n++) await send(shop, { key: `key ${n}`.replace(' ', '-') });
  await send(shop, { key: 'key', user: 'max' });
  await vi.waitFor(() => expect(count()).toBeLessThanOrEqual(13));
  expect((await send(shop, { key: 'key', user: 'max' })).headers['idempotency-replayed']).toBe('true');
  expect((await send(shop, { key: 'key-13' })).headers['idempotency-replayed']).toBe('true');
  expect((await send(shop, { key: 'key-0' })).headers['idempotency-replayed']).toBeUndefined();
  expect(ids.at(-1)).toBe(ids[0]);
});

it('deletes responses that are older than a day from time to time', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'], now: 1_800_000_000_000 });
  cleanups.push(() => vi.useRealTimers());
  const handle = vi.fn(() => ({}));
  const shop = await openShop(handle);
  await send(shop, { key: 'old' });
  vi.setSystemTime(Date.now() + 23 * 3_600_000);
  await send(shop, { key: 'young' });
  vi.advanceTimersByTime(2 * 3_600_000);
  await send(shop, { key: 'old' });
  await send(shop, { key: 'young' });
  expect(handle).toHaveBeenCalledTimes(3);
});
