import type { TLSSocket } from 'node:tls';
import { readClientAddress } from '@slipway/platform/http/client-address';
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
  const { isTrusted, addressOf } = readClientAddress(trusted);
  return (request) => {
    const { socket, headers, host } = request;
    const proto = (socket as Partial<TLSSocket>).encrypted ? 'https' : 'http';
    const address = addressOf(request);
    if (!isTrusted(socket.remoteAddress ?? '')) return { address, proto, host };
    return {
      address,
      proto: headers['x-forwarded-proto'] === 'https' ? 'https' : proto,
      host: [headers['x-forwarded-host'] ?? host].flat()[0] ?? host,
    };
  };
}
