import { afterEach, describe, expect, it, vi } from 'vitest';
import { startGateway, type TestGateway } from './testing/service.ts';

describe('a gateway whose upstream hangs', () => {
  let gateway: TestGateway;
  afterEach(() => gateway.stop());

  it('serves a quiet person while a noisy one holds all permits of the route', async () => {
    gateway = await startGateway({ RATE_LIMIT: '100000' });
    const [noisy, quiet] = [await gateway.bearer('noisy'), await gateway.bearer('quiet')];
    const url = '/api/v1/invoices';
    const ask = (headers: Record<string, string>) => gateway.app.inject({ url, headers });
    // From now on the verification of both tokens is cached.
    await Promise.all([ask(noisy), ask(quiet)]);
    const held: (() => void)[] = [];
    gateway.services.billing.handle = (_request, response) => {
      held.push(() => response.end('{}'));
    };
    const noise = Array.from({ length: 290 }, () => ask(noisy));
    const refused = await Promise.race(noise);
    expect(refused.statusCode).toBe(503);
    expect(refused.json()).toMatchObject({ code: 'overloaded' });
    expect(refused.headers['retry-after']).toBe('1');

    const before = gateway.metrics.inFlight.size;
    const asked = ask(quiet);
    await vi.waitUntil(() => gateway.metrics.inFlight.size > before);
    const timer = setInterval(() => held.splice(0).forEach((answer) => void answer()), 5);
    await Promise.all(noise);
    expect((await asked).statusCode).toBe(200);
    clearInterval(timer);
  });
});
