import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import proxyAddr from '@fastify/proxy-addr';
import type { FastifyRequest } from 'fastify';
import { Address6 } from 'ip-address';
import { StartError } from '../core/start-error.ts';

/**
 * Creates the functions that find a client: `addressOf` returns the address of the connection or, if that is a trusted
 * proxy, the last address in `X-Forwarded-For` that is not one; `networkOf` returns the network of that address.
 * The header is ignored if anyone else sends it.
 *
 * @param trusted the trusted proxies, separated by commas: addresses, CIDR networks, or loopback, linklocal and
 * uniquelocal; empty trusts none
 * @throws {StartError} if `trusted` contains anything else
 * @example
 * const { addressOf } = readClientAddress('loopback, 10.0.0.0/8');
 */
export function readClientAddress(trusted: string) {
  const isTrusted = compile(trusted);
  const addressOf = ({ raw }: Pick<FastifyRequest, 'raw'>) => proxyAddr(withoutPorts(raw), isTrusted);
  return {
    isTrusted: (address: string) => isTrusted(address, 0),
    addressOf,
    networkOf: (request: Pick<FastifyRequest, 'raw'>) => toNetwork(addressOf(request)),
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

/** An address with a port, as some load balancers write it: `192.0.2.7:4711` or `[2001:db8::7]:4711`. */
const withPort = /^(?:\[(?<v6>[^\]]+)\](?::\d+)?|(?<v4>[\d.]+):\d+)$/;

/** Removes the ports in `X-Forwarded-For`: with them, each connection of a client would be a client of its own. */
function withoutPorts(raw: IncomingMessage): IncomingMessage {
  const header = raw.headers['x-forwarded-for'];
  if (header === undefined) return raw;
  const addresses = [header].flat().join().split(',');
  const bare = addresses.map((each) => each.trim().replace(withPort, '$<v6>$<v4>')).join();
  return { headers: { 'x-forwarded-for': bare }, socket: raw.socket } as unknown as IncomingMessage;
}

/** Prefix length of the network that is one client: an IPv6 subscriber can use every address of a /64 at will. */
const subscriberPrefix = 64;

/** Returns the network that is one client: the /64 of an IPv6 address, or an IPv4 address, however it is written. */
export function toNetwork(address: string): string {
  if (!isIPv6(address)) return address;
  const parsed = new Address6(address);
  if (parsed.isMapped4()) return parsed.to4().correctForm();
  return new Address6(`${address}/${subscriberPrefix}`).startAddress().correctForm();
}
