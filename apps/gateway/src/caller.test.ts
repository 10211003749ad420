import type { IncomingMessage } from 'node:http';
import { readClientAddress } from '@slipway/platform/http/client-address';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { callerByTokenOrAddress } from './caller.ts';
import { startGateway, type TestGateway } from './testing/service.ts';

const callerOf = callerByTokenOrAddress(
  { remembered: (token) => (token === 'verified' ? { subject: 'ada', roles: [] } : undefined) },
  readClientAddress('192.0.2.1'),
);

const request = (remoteAddress: string, headers: Record<string, string> = {}) =>
  ({ socket: { remoteAddress }, headers }) as unknown as IncomingMessage;

describe('the caller of a request', () => {
  it('is the person whose token was verified, wherever they are', () => {
    expect(callerOf(request('192.0.2.7', { authorization: 'Bearer verified' }))).toBe('subject ada');
    expect(callerOf(request('192.0.2.8', { authorization: 'bearer verified' }))).toBe('subject ada');
  });

  it('is the address for a token that nobody has verified, or none', () => {
    expect(callerOf(request('192.0.2.7', { authorization: 'Bearer made-up' }))).toBe('address 192.0.2.7');
    expect(callerOf(request('192.0.2.7'))).toBe('address 192.0.2.7');
  });

  it('is what a trusted load balancer tells, and what no one else tells', () => {
    const told = { 'x-forwarded-for': '198.51.100.4' };
    expect(callerOf(request('192.0.2.1', told))).toBe('address 198.51.100.4');
    expect(callerOf(request('192.0.2.7', told))).toBe('address 192.0.2.7');
  });
});

describe('a gateway whose upstream hangs', () => {
  let gateway: TestGateway;
  afterEach(() => gateway.stop());

  it('lets a quiet person in while a noisy one holds all places of the route', async () => {
    gateway = await startGateway({ RATE_LIMIT: '100000' });
    const [noisy, quiet] = [await gateway.bearer('noisy'), await gateway.bearer('quiet')];
    const url = '/api/v1/invoices';
    const ask = (headers: Record<string, string>) => gateway.app.inject({ url, headers });
    // From now on both are known by their tokens.
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
