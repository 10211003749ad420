import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { registerProblemResponses } from '../http/problem-responses.ts';
import { seriesValue } from '../telemetry/metrics.fixture.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { registerAdmission } from './admit.ts';
import type { Served } from './time-limit.ts';

let app: FastifyInstance;
afterEach(() => app.close());

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
  const ask = async (path: string, ms = 60_000) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(ms) });
    await answer.text();
    return answer;
  };
  return { metrics, ask, waiting, comeBack };
}

/** Sends as many as there are to the route whose store hangs; their callers go soon. */
const many = (ask: (path: string, ms: number) => Promise<Response>, count: number) =>
  Promise.allSettled(Array.from({ length: count }, () => ask('/store', 300)));

describe('a route whose store hangs', () => {
  it('takes a bounded number of requests, also when their callers go and others come', async () => {
    const { metrics, ask, waiting, comeBack } = await serve();
    const refused = () => seriesValue(metrics, 'http_server_requests_refused_total', { reason: 'in_flight' });
    // On a busy machine many give up before they are read.
    for (let wave = 0; wave < 40 && ((await refused()) ?? 0) <= 200; wave += 1) await many(ask, 100);
    expect(await refused()).toBeGreaterThan(200);
    expect(waiting.length).toBeGreaterThan(100);
    expect(waiting.length).toBeLessThan(230);
    comeBack();
  });

  it('refuses with a problem that says when to come again, and costs other routes nothing', async () => {
    const { ask, comeBack } = await serve();
    for (let wave = 0; wave < 3; wave += 1) await many(ask, 100);
    const refused = await ask('/store');
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await ask('/other')).status).toBe(200);
    comeBack();
  });

  it('serves again as soon as its store does', async () => {
    const { ask, comeBack } = await serve();
    for (let wave = 0; wave < 3; wave += 1) await many(ask, 100);
    comeBack();
    expect((await ask('/store')).status).toBe(200);
  });
});
