import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { readClientAddress, toNetwork } from './client-address.ts';

/** A request over a connection from `remoteAddress`, with what the proxies wrote in `X-Forwarded-For`. */
function requestFrom(remoteAddress: string, forwardedFor: string): Pick<FastifyRequest, 'raw'> {
  return { raw: { headers: { 'x-forwarded-for': forwardedFor }, socket: { remoteAddress } } } as never;
}

describe('the address of a client behind proxies', () => {
  const { addressOf, networkOf } = readClientAddress('loopback, 10.0.0.0/8');

  it.each([
    ['192.0.2.7:4711', '192.0.2.7'],
    ['[2001:db8::7]:4711', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['2001:db8::7', '2001:db8::7'],
    ['192.0.2.7:4711, 10.0.0.5:80', '192.0.2.7'],
    ['198.51.100.1, 192.0.2.7:4711,10.0.0.5', '192.0.2.7'],
  ])('is, of X-Forwarded-For: %s, %s', (header, address) => {
    expect(addressOf(requestFrom('127.0.0.1', header))).toBe(address);
  });

  it('is found on a listener for IPv6 and IPv4, too, which sees IPv4 addresses in IPv6 form', () => {
    expect(addressOf(requestFrom('::ffff:10.0.0.5', '192.0.2.7'))).toBe('192.0.2.7');
    expect(addressOf(requestFrom('::ffff:203.0.113.9', '192.0.2.7'))).toBe('::ffff:203.0.113.9');
  });

  it('is the same for each connection of the client, so that one client has one limit', () => {
    const networks = [4711, 4712, 4713].map((port) =>
      networkOf(requestFrom('10.0.0.5', `192.0.2.7:${port}`)),
    );
    expect(new Set(networks)).toEqual(new Set(['192.0.2.7']));
  });
});

describe('the network that is one client', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::'],
    ['2001:db8::9', '2001:db8::'],
    ['fe80::1%eth0', 'fe80::'],
    ['::1', '::'],
    ['unknown', 'unknown'],
  ])('of %s is %s', (address, network) => {
    expect(toNetwork(address)).toBe(network);
  });
});
