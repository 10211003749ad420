import { afterEach, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from './testing/service.ts';

let gateway: TestGateway;
afterEach(() => gateway.stop());

const invoices = '/api/v1/invoices';
const plans = '/api/v1/plans';

/** Sends a request and returns the status of the response. */
async function status(url: string, headers: Record<string, string> = {}, remoteAddress = '192.0.2.1') {
  return (await gateway.app.inject({ url, headers, remoteAddress })).statusCode;
}

async function signIn(url: string, remoteAddress = '192.0.2.1') {
  return (await gateway.app.inject({ method: 'POST', url, remoteAddress })).statusCode;
}

describe('the rate limit', () => {
  it('rejects requests beyond the limit with a problem document that says when to retry', async () => {
    gateway = await startGateway({ RATE_LIMIT: '2' });
    expect([await status(plans), await status(plans)]).toEqual([200, 200]);
    const answer = await gateway.app.inject({ url: plans, remoteAddress: '192.0.2.1' });
    expect(answer.statusCode).toBe(429);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({ code: 'rate_limited' });
    const seconds = Number(answer.headers['retry-after']);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(gateway.services.billing.seen).toHaveLength(2);
    expect(await gateway.metrics.text()).toMatch(/rejected_total\{[^}]*reason="rate_limit"[^}]*\} 1\n/);
  });

  it('counts each person by their token, wherever it is used', async () => {
    gateway = await startGateway({ RATE_LIMIT: '2' });
    const [ada, bob] = [await gateway.bearer('ada'), await gateway.bearer('bob')];
    expect(await status(invoices, ada, '192.0.2.1')).toBe(200);
    expect(await status(invoices, ada, '192.0.2.2')).toBe(200);
    expect(await status(invoices, ada, '192.0.2.3')).toBe(429);
    expect(await status(invoices, bob, '192.0.2.1')).toBe(200);
  });

  it('counts a new token of a person with the old', async () => {
    gateway = await startGateway({ RATE_LIMIT: '1' });
    expect(await status(invoices, await gateway.bearer('ada'))).toBe(200);
    expect(await status(invoices, await gateway.bearer('ada', 'member'))).toBe(429);
  });

  it('counts clients without a token by their address', async () => {
    gateway = await startGateway({ RATE_LIMIT: '1' });
    expect(await status(plans, {}, '192.0.2.1')).toBe(200);
    expect(await status(plans, {}, '192.0.2.2')).toBe(200);
    expect(await status(plans, {}, '192.0.2.2')).toBe(429);
  });

  it('counts made-up tokens by the address they come from', async () => {
    gateway = await startGateway({ RATE_LIMIT: '2' });
    for (const expected of [401, 401, 429]) {
      expect(await status(invoices, { authorization: `Bearer ${Math.random()}.b.c` })).toBe(expected);
    }
  });

  it('counts the addresses of one IPv6 network as one', async () => {
    gateway = await startGateway({ RATE_LIMIT: '1' });
    expect(await status(plans, {}, '2001:db8:0:1::1')).toBe(200);
    expect(await status(plans, {}, '2001:db8:0:1::2')).toBe(429);
    expect(await status(plans, {}, '2001:db8:0:2::1')).toBe(200);
  });

  it('cannot be evaded by stating another address', async () => {
    gateway = await startGateway({ RATE_LIMIT: '1' });
    expect(await status(plans, { 'x-forwarded-for': '6.6.6.6' })).toBe(200);
    expect(await status(plans, { 'x-forwarded-for': '7.7.7.7' })).toBe(429);
  });

  it('counts the clients of a trusted load balancer separately', async () => {
    gateway = await startGateway({ RATE_LIMIT: '1', TRUSTED_PROXIES: '192.0.2.1' });
    expect(await status(plans, { 'x-forwarded-for': '6.6.6.6' })).toBe(200);
    expect(await status(plans, { 'x-forwarded-for': '7.7.7.7' })).toBe(200);
    expect(await status(plans, { 'x-forwarded-for': '7.7.7.7' })).toBe(429);
  });

  it('counts requests to routes that do not exist', async () => {
    gateway = await startGateway({ RATE_LIMIT: '1' });
    expect(await status('/nothing')).toBe(404);
    expect(await status('/nothing')).toBe(429);
  });

  it('is stricter for sign-ups and logins together, by address', async () => {
    gateway = await startGateway({ RATE_LIMIT_SIGN_IN: '2' });
    expect(await signIn('/api/v1/users')).toBe(200);
    expect(await signIn('/api/v1/sessions')).toBe(200);
    expect(await signIn('/api/v1/sessions')).toBe(429);
    expect(await signIn('/api/v1/users')).toBe(429);
    expect(await signIn('/api/v1/sessions', '192.0.2.2')).toBe(200);
    expect(await signIn('/api/v1/sessions/refresh')).toBe(200);
    expect(await status(plans)).toBe(200);
  });
});
