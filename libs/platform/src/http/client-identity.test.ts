import type { IncomingMessage } from 'node:http';
import { problem } from '@slipway/contract-kit/problem';
import { describe, expect, it } from 'vitest';
import { readClientAddress } from './client-address.ts';
import { createClientIdentity } from './client-identity.ts';

/** A verifier that accepts two tokens, and has only one of them in its cache. */
const verify = Object.assign(
  async (token: string) => {
    if (token !== 'verified' && token !== 'valid') throw problem('unauthenticated');
    return { subject: 'ada', roles: [] };
  },
  { cached: (token: string) => (token === 'verified' ? { subject: 'ada', roles: [] } : undefined) },
);

const { networkOf } = readClientAddress('192.0.2.1');
const clients = createClientIdentity(verify, networkOf);

const request = (remoteAddress: string, headers: Record<string, string> = {}) =>
  ({ socket: { remoteAddress }, headers }) as unknown as IncomingMessage;

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('the client of a request, by what is cached', () => {
  const { cached } = clients;

  it('is the person whose token was verified, wherever they are', () => {
    expect(cached(request('192.0.2.7', { authorization: 'Bearer verified' }))).toBe('subject ada');
    expect(cached(request('192.0.2.8', { authorization: 'bearer verified' }))).toBe('subject ada');
  });

  it('is the address for a token that nobody has verified, or none', () => {
    expect(cached(request('192.0.2.7', bearer('made-up')))).toBe('address 192.0.2.7');
    expect(cached(request('192.0.2.7', bearer('valid')))).toBe('address 192.0.2.7');
    expect(cached(request('192.0.2.7'))).toBe('address 192.0.2.7');
  });

  it('is what a trusted load balancer states, and what no one else states', () => {
    const stated = { 'x-forwarded-for': '198.51.100.4' };
    expect(cached(request('192.0.2.1', stated))).toBe('address 198.51.100.4');
    expect(cached(request('192.0.2.7', stated))).toBe('address 192.0.2.7');
  });

  it('is one for all without a verified token, in a service that does not tell addresses apart', () => {
    const behindGateway = createClientIdentity(verify);
    expect(behindGateway.cached(request('192.0.2.7'))).toBe(behindGateway.cached(request('192.0.2.8')));
    expect(behindGateway.cached(request('192.0.2.7', bearer('verified')))).toBe('subject ada');
  });
});

describe('the client of a request, by its verified token', () => {
  it('is the person, by the same name as with a cached token', async () => {
    expect(await clients.verified(request('192.0.2.7', bearer('valid')))).toBe('subject ada');
    expect(await clients.verified(request('192.0.2.7', bearer('verified')))).toBe('subject ada');
  });

  it('is the address for a token that is not valid, or none', async () => {
    expect(await clients.verified(request('192.0.2.7', bearer('made-up')))).toBe('address 192.0.2.7');
    expect(await clients.verified(request('192.0.2.7'))).toBe('address 192.0.2.7');
  });
});

it('the client by address is the address, whoever its token names', () => {
  expect(clients.byAddress(request('192.0.2.7', bearer('verified')))).toBe('address 192.0.2.7');
  expect(clients.byAddress(request('2001:db8::9'))).toBe('address 2001:db8::');
});
