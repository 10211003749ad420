import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
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

/** A service whose store hangs until the test ends that. */
async function serve() {
  app = Fastify();
  const metrics = createMetrics('sample', '1.0.0');
  const { load } = registerAdmission(app, metrics);
  // With few requests in flight, permits are not needed.
  for (let other = 0; other < 17; other += 1) metrics.inFlight.add({} as Served);
  registerProblemResponses(app);
  const waiting: (() => void)[] = [];
  const store = { hangs: true };
  const handler = async () => {
    if (store.hangs) await new Promise<void>((resolve) => waiting.push(resolve));
    return { done: true };
  };
  app.get('/store', handler);
  app.get('/forwarded', { config: { isForwarded: true } as object }, handler);
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
  const ask = async (path: string, signal?: AbortSignal) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal });
    await answer.text();
    return answer;
  };
  const rejected = async () =>
    (await seriesValue(metrics, 'http_server_requests_rejected_total', { reason: 'in_flight' })) ?? 0;

  /** A hundred clients ask the store; when each is admitted or rejected, all disconnect. */
  async function wave() {
    const settled = async () => waiting.length + (await rejected());
    const before = await settled();
    const clients = new AbortController();
    const asked = Promise.allSettled(Array.from({ length: 100 }, () => ask('/store', clients.signal)));
    await vi.waitUntil(async () => (await settled()) === before + 100, { timeout: 20_000 });
    clients.abort();
    await asked;
  }

  /** Sends requests to the door; when all have reached it or are rejected, returns how many wait at the door. */
  async function crowd(count: number, signal?: AbortSignal) {
    const settled = async () => door.waiting.length + (await rejected());
    const before = await settled();
    const asked = Promise.allSettled(Array.from({ length: count }, () => ask('/door', signal)));
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
  return { sendSlowly, ask, answerLate, waiting, comeBack, rejected, wave, door, crowd };
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
    const rejected = await ask('/store');
    expect(rejected.status).toBe(503);
    expect(rejected.headers.get('retry-after')).toBe('1');
    expect((await ask('/other')).status).toBe(200);
    comeBack();
  });

  it('serves again as soon as its store does', async () => {
    const { ask, wave, comeBack } = await serve();
    for (let waves = 0; waves < 3; waves += 1) await wave();
    expect((await ask('/store')).status).toBe(503);
    comeBack();
    expect((await ask('/store')).status).toBe(200);
  });
});

it.each([
  ['gives a route less to do while its store is slow', '/store', 44],
  ['leaves that to the service behind, where it forwards requests', '/forwarded', 0],
])('%s', async (_sentence, path, expected) => {
  const { answerLate } = await serve();
  for (const ms of [200, 2_000, 2_000]) expect(await answerLate(path, 60, ms)).toBe(0);
  expect(await answerLate(path, 60, 2_000)).toBe(expected);
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
