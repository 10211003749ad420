import { setImmediate as nextIteration } from 'node:timers/promises';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { registerProblemResponses } from '../http/problem-responses.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { seriesValue } from '../testing/metrics.ts';
import { limitsOf, memoryLimit, registerOverload } from './overload.ts';

const gigabyte = 1024 ** 3;
const generous = { maxEventLoopDelay: 1_000, maxRssBytes: 64 * gigabyte, maxHeapUsedBytes: 64 * gigabyte };

let app: FastifyInstance;

async function start(limits = generous, areOff = () => false) {
  const metrics = createMetrics('sample', '1.0.0');
  app = Fastify();
  registerProblemResponses(app);
  const load = await registerOverload(app, metrics, { limits, areOff });
  app.get('/', async () => ({ served: true }));
  await app.ready();
  return { metrics, load };
}

afterEach(() => app.close());

/** Blocks the event loop, as an endless computation would; milliseconds. */
function block(ms: number) {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Stops the event loop without computing, as a slow disk or a machine that stands still would; milliseconds. */
function pause(ms: number) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('a service that is overloaded', () => {
  it('serves while it has room', async () => {
    await start();
    expect((await app.inject('/')).statusCode).toBe(200);
  });

  it('does not take its own start for overload', async () => {
    const { load } = await start({ ...generous, maxEventLoopDelay: 200 });
    block(1_200);
    await vi.waitFor(() => expect(app.isUnderPressure()).toBe(true), { interval: 5, timeout: 5_000 });
    expect(load()).toMatchObject({ rejecting: false });
    expect((await app.inject('/')).statusCode).toBe(200);
  });

  it('does not take a pause of its process for overload', async () => {
    const { load } = await start({ ...generous, maxEventLoopDelay: 200 });
    const startIsOver = performance.now() + 2_000;
    await vi.waitFor(async () => {
      pause(1_500);
      await nextIteration();
      expect(performance.now()).toBeGreaterThan(startIsOver);
      expect(app.isUnderPressure()).toBe(true);
    }, 15_000);
    expect(load()).toMatchObject({ rejecting: false });
    expect((await app.inject('/')).statusCode).toBe(200);
  });

  it('rejects while its event loop is stuck, says when to retry, and recovers', async () => {
    const { metrics, load } = await start({ ...generous, maxEventLoopDelay: 200 });
    await vi.waitFor(async () => {
      block(1_500);
      await nextIteration();
      const response = await app.inject('/');
      expect(response.statusCode).toBe(503);
      expect(response.headers['retry-after']).toBe('1');
      expect(response.json()).toMatchObject({ code: 'overloaded' });
    }, 15_000);
    expect(load()).toMatchObject({ rejecting: true });
    const rejected = await seriesValue(metrics, 'http_server_requests_rejected_total', {
      reason: 'eventLoopDelay',
    });
    expect(rejected).toBeGreaterThan(0);
    await vi.waitFor(async () => expect((await app.inject('/')).statusCode).toBe(200), 15_000);
    expect(load()).toMatchObject({ rejecting: false });
  });

  it.each(['maxRssBytes', 'maxHeapUsedBytes'] as const)('rejects beyond %s', async (limit) => {
    await start({ ...generous, [limit]: 1 });
    // Memory is sampled only once a second.
    await vi.waitFor(async () => expect((await app.inject('/')).statusCode).toBe(503), 5_000);
  });

  it('rejects beyond its memory although it was paused', async () => {
    await start({ ...generous, maxEventLoopDelay: 200, maxRssBytes: 1 });
    await vi.waitFor(async () => {
      pause(1_500);
      await nextIteration();
      expect(app.memoryUsage().eventLoopDelay).toBeGreaterThan(200);
    }, 15_000);
    expect((await app.inject('/')).statusCode).toBe(503);
  });

  it('serves whatever the load is while the guards are off, and rejects again afterwards', async () => {
    const guards = { areOff: false };
    await start({ ...generous, maxRssBytes: 1 }, () => guards.areOff);
    const status = async () => (await app.inject('/')).statusCode;
    await vi.waitFor(async () => expect(await status()).toBe(503), 5_000);
    guards.areOff = true;
    expect(await status()).toBe(200);
    guards.areOff = false;
    expect(await status()).toBe(503);
  });
});

describe('the limits', () => {
  it('leave a tenth of the memory free', () => {
    expect(limitsOf(1_000, 500)).toMatchObject({ maxRssBytes: 900, maxHeapUsedBytes: 450 });
  });

  it.each([
    ["a container's limit", 512, 512],
    ['no limit', 0, 1_000],
    ['a limit beyond the machine, as cgroups write "none"', 2 ** 64, 1_000],
  ])('take %s', (_what, constrained, expected) => {
    expect(memoryLimit(constrained, 1_000)).toBe(expected);
  });
});
