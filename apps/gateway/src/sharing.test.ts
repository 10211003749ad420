import { connect } from 'node:net';
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

describe('an anonymous flood on a route that costs money', () => {
  let gateway: TestGateway;
  afterEach(() => gateway.stop());

  it('waits for people who read', async () => {
    gateway = await startGateway({ RATE_LIMIT: '100000' });
    const { authorization } = await gateway.bearer('ada');
    const { hostname, port } = new URL(gateway.base);
    const order: string[] = [];
    const open = async (name: string) => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined).once('data', () => order.push(name));
      await new Promise((resolve) => socket.once('connect', resolve));
      return socket;
    };
    const head = `HTTP/1.1\r\nhost: x\r\n`;
    const read = `GET /api/v1/invoices ${head}authorization: ${authorization}\r\n\r\n`;
    const flood = await Promise.all(Array.from({ length: 200 }, () => open('nobody')));
    const ada = await open('ada');
    // From now on the verification of her token is cached.
    ada.write(read);
    await vi.waitUntil(() => order.length === 1);
    for (const socket of flood) socket.write(`POST /api/v1/subscriptions ${head}\r\n`);
    ada.once('data', () => order.push('ada'));
    ada.write(read);
    await vi.waitUntil(() => order.length === 202, { timeout: 10_000 });
    expect(order.lastIndexOf('ada')).toBeLessThan(100);
    for (const socket of [ada, ...flood]) socket.destroy();
  });
});
