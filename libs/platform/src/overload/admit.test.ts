import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { promisify } from 'node:util';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Served } from '../core/served.ts';
import { registerProblemResponses } from '../http/problem-responses.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { seriesValue } from '../testing/metrics.ts';
import { registerAdmission } from './admit.ts';

/** The clock stands still unless a test moves it, so that a busy machine changes no decision. */
let clock = 0;
beforeEach(() => {
  clock = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
});

let app: FastifyInstance;
afterEach(async () => {
  vi.restoreAllMocks();
  await app.close();
});

/** A service whose store hangs until the test ends that, and that is handling so many other requests. */
async function serve(others = 17) {
  app = Fastify();
  const metrics = createMetrics('sample', '1.0.0');
  const { load } = registerAdmission(app, metrics);
  // With few requests in flight, permits are not needed.
  const handle = (count: number) => {
    for (let other = 0; other < count; other += 1) metrics.inFlight.add({} as Served);
  };
  handle(others);
  registerProblemResponses(app);
  const waiting: (() => void)[] = [];
  const store = { hangs: true };
  const handler = async () => {
    if (store.hangs) await new Promise<void>((resolve) => waiting.push(resolve));
    return { done: true };
  };
  app.get('/store', handler);
  const answerWith = (status: number) => async (_request: FastifyRequest, reply: FastifyReply) => {
    reply.code(status);
    return handler();
  };
  app.get('/fails', answerWith(500));
  app.get('/times-out', answerWith(504));
  app.get('/forwarded', { config: { isForwarded: true } as object }, handler);
  app.get('/long', { config: { timeoutMs: 60_000 } as object }, handler);
  app.get('/stream', { config: { isStream: true } as object }, handler);
  app.get('/hook', { preHandler: async () => void (await handler()) }, async () => ({ done: true }));
  /** Makes the store answer immediately from now on. */
  const comeBack = () => {
    store.hangs = false;
    for (const answer of waiting.splice(0)) answer();
  };
  /** Has the store answer so many requests late; milliseconds. Returns how many were rejected. */
  async function answerLate(path: string, count: number, ms: number): Promise<number> {
    store.hangs = true;
    const before = await rejected();
    const asked = Promise.all(Array.from({ length: count }, () => ask(path)));
    await vi.waitUntil(async () => waiting.length + (await rejected()) === before + count, {
      timeout: 20_000,
    });
    clock += ms;
    comeBack();
    await asked;
    return (await rejected()) - before;
  }
  app.post('/store', async () => ({ done: true }));
  app.get('/other', async () => ({ done: true }));
  const door = serveBehindDoor(app);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const ask = async (path: string) => (await app.inject(path)).statusCode;
  /** Sends a request over the network; resolves when its client has disconnected. */
  const visit = (path: string, disconnect: AbortSignal) =>
    new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`),
      );
      socket.resume().once('close', () => resolve());
      socket.on('error', () => undefined);
      disconnect.addEventListener('abort', () => socket.destroy());
    });
  const rejected = async () =>
    (await seriesValue(metrics, 'http_server_requests_rejected_total', { reason: 'in_flight' })) ?? 0;

  /** A hundred clients ask the store; when each is admitted or rejected, all disconnect. */
  async function wave() {
    const settled = async () => waiting.length + (await rejected());
    const before = await settled();
    const clients = new AbortController();
    const asked = Promise.all(Array.from({ length: 100 }, () => visit('/store', clients.signal)));
    await vi.waitUntil(async () => (await settled()) === before + 100, { timeout: 20_000 });
    clients.abort();
    await asked;
  }

  /** Sends requests to the door; when all have reached it or are rejected, returns how many wait at the door. */
  async function crowd(count: number, disconnect?: AbortSignal) {
    const settled = async () => door.waiting.length + (await rejected());
    const before = await settled();
    const each = () => (disconnect ? visit('/door', disconnect) : ask('/door'));
    const asked = Promise.all(Array.from({ length: count }, each));
    await vi.waitUntil(async () => (await settled()) === before + count, { timeout: 20_000 });
    return { atDoor: door.waiting.length, asked };
  }
  /** Sends requests whose bodies take some time to arrive, in milliseconds; resolves with their statuses. */
  async function sendSlowly(count: number, ms: number): Promise<(number | undefined)[]> {
    let began = 0;
    app.server.on('request', () => {
      began += 1;
    });
    const options = { method: 'POST', port, path: '/store', headers: { 'content-type': 'application/json' } };
    const requests = Array.from({ length: count }, () => httpRequest(options));
    const answers = requests.map(
      (each) =>
        new Promise<number | undefined>((resolve) =>
          each.once('response', (a) => resolve(a.resume().statusCode)),
        ),
    );
    for (const each of requests) each.write('{');
    const isQueueEmpty = () => (load() as { waiting: number }).waiting === 0;
    await vi.waitUntil(() => began === count && isQueueEmpty(), { timeout: 20_000 });
    clock += ms;
    for (const each of requests) each.end('}');
    return Promise.all(answers);
  }
  return { handle, visit, sendSlowly, ask, answerLate, waiting, comeBack, rejected, wave, door, crowd };
}

/** A route with a hook that keeps requests from the handler until the test lets them in. */
function serveBehindDoor(app: FastifyInstance) {
  const waiting: (() => void)[] = [];
  const door = { waiting, left: 0, letIn: () => waiting.splice(0).forEach((open) => void open()) };
  const preHandler = () => new Promise<void>((resolve) => waiting.push(resolve));
  const onRequestAbort = async () => {
    door.left += 1;
  };
  app.get('/door', { preHandler, onRequestAbort }, async () => ({ done: true }));
  return door;
}

describe('requests that wait', () => {
  const known = { 'x-client': 'subject ada', authorization: 'Bearer a' };
  const unknown = { authorization: 'Bearer b' };
  const requests: [string, Record<string, string>][] = [
    ['/pay?anonymous', {}],
    ['/calls', {}],
    ['/pay?unknown', unknown],
    ['/open', {}],
    ['/manage', {}],
    ['/nowhere', {}],
    ['/pay?known', known],
  ];

  /** Sends all requests at once on a new connection, so that they wait; returns their order of start, and how many wait then. */
  async function startAll(isShared: boolean) {
    app = Fastify();
    const { load, shareBy } = registerAdmission(app, createMetrics('sample', '1.0.0'));
    if (isShared) shareBy(({ headers }) => String(headers['x-client'] ?? ''));
    const started: string[] = [];
    const waiting: number[] = [];
    app.addHook('onRequest', async ({ url }) => {
      started.push(url);
      waiting.push((load() as { waiting: number }).waiting);
    });
    const route = (url: string, config: object) => app.get(url, { config }, async () => 'done');
    route('/first', {});
    route('/pay', { access: 'member', priority: 'money' });
    route('/manage', { access: 'admin', priority: 'money' });
    route('/calls', { access: 'service' });
    route('/open', { access: 'public', priority: 'money' });
    await app.listen({ port: 0, host: '127.0.0.1' });
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    const text = requests.map(([url, headers]) => {
      const lines = Object.entries(headers).map((header) => `${header.join(': ')}\r\n`);
      return `GET ${url} HTTP/1.1\r\nhost: x\r\n${lines.join('')}\r\n`;
    });
    socket.write(text.join(''));
    await vi.waitUntil(() => started.length === requests.length);
    socket.destroy();
    return { started, waiting };
  }

  it('start by the priority of their routes', async () => {
    const { started, waiting } = await startAll(false);
    expect(started).toEqual([
      '/pay?anonymous',
      '/pay?unknown',
      '/open',
      '/manage',
      '/pay?known',
      '/nowhere',
      '/calls',
    ]);
    expect(waiting).toEqual([6, 5, 4, 3, 2, 1, 0]);
  });

  it('start by what their tokens have earned, if the route needs a person', async () => {
    const { started } = await startAll(true);
    expect(started).toEqual([
      '/open',
      '/pay?known',
      '/pay?unknown',
      '/nowhere',
      '/pay?anonymous',
      '/calls',
      '/manage',
    ]);
  });
});

describe('a route whose store hangs', () => {
  it('admits a bounded number of requests, even when clients disconnect and others come', async () => {
    const { wave, rejected, waiting, comeBack } = await serve();
    for (let waves = 0; waves < 5; waves += 1) await wave();
    expect(await rejected()).toBeGreaterThan(200);
    expect(waiting.length).toBeGreaterThan(100);
    expect(waiting.length).toBeLessThan(230);
    comeBack();
  });

  it('rejects with a problem that says when to retry, and costs other routes nothing', async () => {
    const { ask, wave, comeBack } = await serve();
    for (let waves = 0; waves < 3; waves += 1) await wave();
    const rejected = await app.inject('/store');
    expect(rejected.statusCode).toBe(503);
    expect(rejected.headers['retry-after']).toBe('1');
    expect(await ask('/other')).toBe(200);
    comeBack();
  });

  it('serves again as soon as its store does', async () => {
    const { ask, wave, comeBack } = await serve();
    for (let waves = 0; waves < 3; waves += 1) await wave();
    expect(await ask('/store')).toBe(503);
    comeBack();
    await vi.waitUntil(async () => (await ask('/store')) === 200);
  });
});

it('needs no permits while 16 requests or fewer are in flight', async () => {
  const { crowd, door, rejected } = await serve(16);
  const { atDoor, asked } = await crowd(300);
  expect(atDoor).toBe(300);
  expect(await rejected()).toBe(0);
  door.letIn();
  await asked;
});

it('releases the permit of work that never ends after 10 seconds', async () => {
  const { wave, ask, waiting, comeBack } = await serve();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  for (let waves = 0; waves < 3; waves += 1) await wave();
  expect(await ask('/store')).toBe(503);
  vi.advanceTimersByTime(10_000);
  const before = waiting.length;
  const asked = ask('/store');
  await vi.waitUntil(() => waiting.length > before);
  comeBack();
  expect(await asked).toBe(200);
});

it('counts a rejection with the priority of the route that its request is for', async () => {
  app = Fastify();
  const metrics = createMetrics('sample', '1.0.0');
  registerAdmission(app, metrics);
  app.get('/invoices/:id', { config: { priority: 'money' } as object }, async () => ({}));
  app.get('/internal/usage', { config: { access: 'service' } as object }, async () => ({}));
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  // The client's time is over, so each request is rejected before it is routed.
  for (const path of ['/invoices/7?page=2', '/internal/usage', '/nowhere']) {
    await fetch(origin + path, { headers: { 'x-request-timeout-ms': '0' } });
  }
  const rejected = Object.entries(metrics.totals.priorities).map(([name, each]) => [name, each.rejected]);
  expect(Object.fromEntries(rejected)).toEqual({ money: 1, interactive: 1, batch: 1 });
});

it('reports each reason for a rejection as 0 before the first one', async () => {
  app = Fastify();
  const metrics = createMetrics('sample', '1.0.0');
  registerAdmission(app, metrics);
  for (const reason of ['deadline', 'queue_full', 'too_late', 'in_flight']) {
    expect(await seriesValue(metrics, 'http_server_requests_rejected_total', { reason })).toBe(0);
  }
  expect(await seriesValue(metrics, 'admission_waiting')).toBe(0);
});

it.each([
  ['gives a route less to do while its store is slow', '/store', 44],
  ['gives a route less to do while its store times out', '/times-out', 44],
  ['gives a route less to do while a hook waits for its store', '/hook', 44],
  ['takes no other error for a latency', '/fails', 0],
  ['takes no latency for that of a store, where it depends on the request', '/long', 0],
  ['neither limits nor measures a stream', '/stream', 0],
  ['leaves that to the service behind, where it forwards requests', '/forwarded', 0],
])('%s', async (_sentence, path, expected) => {
  const { answerLate } = await serve();
  for (const ms of [200, 2_000, 2_000]) expect(await answerLate(path, 60, ms)).toBe(0);
  expect(await answerLate(path, 60, 2_000)).toBe(expected);
});

it('knows the latency of a route after ten requests, however few are in flight', async () => {
  const { answerLate, handle } = await serve(0);
  expect(await answerLate('/store', 10, 200)).toBe(0);
  handle(17);
  expect(await answerLate('/store', 60, 2_000)).toBe(0);
  expect(await answerLate('/store', 60, 2_000)).toBe(44);
});

it('notices when a route becomes faster, however few requests are in flight', async () => {
  const { answerLate, handle } = await serve(0);
  for (const [count, ms] of [
    [10, 200],
    [160, 100],
  ] as const)
    expect(await answerLate('/store', count, ms)).toBe(0);
  handle(17);
  expect(await answerLate('/store', 60, 350)).toBe(0);
  expect(await answerLate('/store', 60, 350)).toBe(8);
});

it('learns no latency from clients that disconnect before it is over', async () => {
  const { visit, waiting, comeBack, answerLate, handle } = await serve(0);
  const clients = new AbortController();
  const visits = Array.from({ length: 10 }, () => visit('/store', clients.signal));
  await vi.waitUntil(() => waiting.length === 10, { timeout: 20_000 });
  clock += 100;
  clients.abort();
  await Promise.all(visits);
  const connections = promisify(app.server.getConnections.bind(app.server));
  await vi.waitUntil(async () => (await connections()) === 0, { timeout: 20_000 });
  comeBack();
  handle(17);
  for (const ms of [600, 600]) expect(await answerLate('/store', 60, ms)).toBe(0);
});

it('admits as many as before when clients send their bodies slowly', async () => {
  const { sendSlowly } = await serve();
  for (const ms of [0, 5_000, 5_000, 5_000]) {
    expect(new Set(await sendSlowly(150, ms))).toEqual(new Set([200]));
  }
});

it('releases a permit once, even if its client disconnected before the handler ran', async () => {
  const { door, crowd } = await serve();
  const staying = await crowd(1);
  const clients = new AbortController();
  await crowd(50, clients.signal);
  clients.abort();
  await vi.waitUntil(() => door.left === 50, { timeout: 20_000 });
  door.letIn();
  await staying.asked;
  const { atDoor, asked } = await crowd(300);
  expect(atDoor).toBe(192);
  door.letIn();
  await asked;
});
