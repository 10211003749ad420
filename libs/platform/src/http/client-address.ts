import proxyAddr from '@fastify/proxy-addr';
import type { FastifyRequest } from 'fastify';
import { StartError } from '../core/start-error.ts';

/**
 * Tells the address that a request comes from: the peer's or, if that is a trusted proxy, the one that it tells in
 * `X-Forwarded-For`. From anyone else the header counts for nothing: anyone can write it.
 *
 * @param trusted addresses, CIDR networks, or loopback, linklocal, uniquelocal, with commas between; empty trusts none
 * @throws {StartError} if `trusted` holds something that is no address
 * @example
 * const { addressOf } = readClientAddress('loopback, 10.0.0.0/8');
 */
export function readClientAddress(trusted: string) {
  const isTrusted = compile(trusted);
  return {
    isTrusted: (peer: string) => isTrusted(peer, 0),
    addressOf: ({ raw }: Pick<FastifyRequest, 'raw'>) => proxyAddr(raw, isTrusted),
  };
}

function compile(trusted: string): (address: string, hop: number) => boolean {
  const addresses = trusted.split(',').flatMap((each) => each.trim() || []);
  if (addresses.length === 0) return () => false;
  try {
    return proxyAddr.compile(addresses);
  } catch (error) {
    throw new StartError(`TRUSTED_PROXIES is not a list of addresses: ${(error as Error).message}.`, error);
  }
}
