import type { TLSSocket } from 'node:tls';
import proxyAddr from '@fastify/proxy-addr';
import { StartError } from '@slipway/platform/service/start-error';
import type { FastifyRequest } from 'fastify';

/** Where a request comes from, and how its client addressed this system. */
export type ClientOrigin = { address: string; proto: string; host: string };

/**
 * Makes the function that tells where a request comes from. What the request says itself
 * (`X-Forwarded-For`, `-Proto`, `-Host`) counts only if it came through a trusted proxy: anyone can write it.
 *
 * @param trusted addresses and networks with commas between; empty trusts none
 * @throws {StartError} if `trusted` holds something that is no address
 */
export function readClientOrigin(trusted: string): (request: FastifyRequest) => ClientOrigin {
  const isTrusted = compile(trusted);
  return ({ raw, socket, headers, host }) => {
    const proto = (socket as Partial<TLSSocket>).encrypted ? 'https' : 'http';
    const peer = socket.remoteAddress ?? '';
    if (!isTrusted(peer, 0)) return { address: peer, proto, host };
    return {
      address: proxyAddr(raw, isTrusted),
      proto: headers['x-forwarded-proto'] === 'https' ? 'https' : proto,
      host: [headers['x-forwarded-host'] ?? host].flat()[0] ?? host,
    };
  };
}

function compile(trusted: string): (address: string, hop: number) => boolean {
  const addresses = trusted.split(',').flatMap((each) => each.trim() || []);
  if (addresses.length === 0) return () => false;
  try {
    return proxyAddr.compile(addresses);
  } catch (error) {
    throw new StartError(`TRUSTED_PROXIES: ${error instanceof Error ? error.message : error}`, error);
  }
}
