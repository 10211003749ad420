import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { registerProblemResponses } from '../http/problem-responses.ts';
import { seriesValue } from '../telemetry/metrics.fixture.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { registerAdmission } from './admit.ts';
import type { Served } from './time-limit.ts';

/** The clock stands still, so that a busy machine changes no decision. */
beforeEach(() => {
  vi.spyOn(performance, 'now').mockReturnValue(0);
});

let app: FastifyInstance;
afterEach(async () => {
  vi.restoreAllMocks();
  await app.close();
});

/** A service whose store hangs until the test says that it is back. */
async function serve() {
  app = Fastify();
  const metrics = createMetrics('sample', '1.0.0');
  registerAdmission(app, metrics);
  // While few are served nothing is counted.
  for (let other = 0; other < 17; other += 1) metrics.inFlight.add({} as Served);
  registerProblemResponses(app);
  const waiting: (() => void)[] = [];
  const store = { hangs: true };
  app.get('/store', async () => {
    if (store.hangs) await new Promise<void>((resolve) => waiting.push(resolve));
    return { done: true };
  });
  /** From now on the store answers at once. */
  const comeBack = () => {
    store.hangs = false;
    for (const answer of waiting) answer();
  };
  app.get('/other', async () => ({ done: true }));
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const ask = async (path: string, signal?: AbortSignal) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal });
    await answer.text();
    return answer;
  };
  const refused = async () =>
    (await seriesValue(metrics, 'http_server_requests_refused_total', { reason: 'in_flight' })) ?? 0;

  /** A hundred callers ask the store; when each is let in or refused, all go. */
  async function wave() {
    const settled = async () => waiting.length + (await refused());
    const before = await settled();
    const callers = new AbortController();
    const asked = Promise.allSettled(Array.from({ length: 100 }, () => ask('/store', callers.signal)));
    await vi.waitUntil(async () => (await settled()) === before + 100, { timeout: 20_000 });
    callers.abort();
    await asked;
  }
  return { ask, waiting, comeBack, refused, wave };
}

describe('a route whose store hangs', () => {
  it('takes a bounded number of requests, also when their callers go and others come', async () => {
    const { wave, refused, waiting, comeBack } = await serve();
    for (let waves = 0; waves < 5; waves += 1) await wave();
    expect(await refused()).toBeGreaterThan(200);
    expect(waiting.length).toBeGreaterThan(100);
    expect(waiting.length).toBeLessThan(230);
    comeBack();
  });

  it('refuses with a problem that says when to come again, and costs other routes nothing', async () => {
    const { ask, wave, comeBack } = await serve();
    for (let waves = 0; waves < 3; waves += 1) await wave();
    const refused = await ask('/store');
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
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
