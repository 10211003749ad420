import type { TLSSocket } from 'node:tls';
import { readClientAddress } from '@slipway/platform/http/client-address';
import type { FastifyRequest } from 'fastify';

/** The client's address, and the protocol and host that the client used to reach this system. */
export type ClientOrigin = { address: string; proto: string; host: string };

/**
 * Creates the function that returns the origin of a request. `X-Forwarded-For`, `-Proto` and `-Host` are used only if
 * a trusted proxy sent them, because anyone can write them.
 *
 * @param trusted the trusted proxies, as `readClientAddress` takes them
 * @throws {StartError} if `trusted` is not a list of addresses
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
