import type { IncomingHttpHeaders } from 'node:http';
import type { ClientOrigin } from './client-origin.ts';

/** Headers that apply to one connection and are not forwarded (RFC 9110, 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Headers of a request that are not forwarded, so that no client can forge them. The gateway or the call sets its own. */
const ownHeaders = new Set([
  'host',
  'expect',
  'forwarded',
  'x-real-ip',
  'x-request-age-ms',
  'traceparent',
  'tracestate',
  'b3',
]);

const isOwn = (name: string) =>
  ownHeaders.has(name) || name.startsWith('x-forwarded-') || name.startsWith('x-b3-');

/** Returns the headers of the forwarded request. Without a body, they have no `Content-Length`. */
export function requestHeaders(
  received: IncomingHttpHeaders,
  origin: ClientOrigin,
  body: unknown,
): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = forwarded(origin);
  const named = namedByConnection(received);
  for (const name in received) {
    if (hopByHop.has(name) || isOwn(name) || named?.includes(name)) continue;
    if (name !== 'content-length' || body) headers[name] = received[name];
  }
  return headers;
}

/** Adds the headers of the service's response to the gateway's own, and replaces those that both send. */
export function addResponseHeaders(own: IncomingHttpHeaders, received: IncomingHttpHeaders): void {
  const named = namedByConnection(received);
  for (const name in received) {
    if (!hopByHop.has(name) && !named?.includes(name)) own[name] = received[name];
  }
}

/** Returns the names of the other headers that apply to this connection only. */
function namedByConnection({ connection }: IncomingHttpHeaders): string[] | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  return connection.toLowerCase().split(/\s*,\s*/);
}

/** The headers that show a service where a request comes from. */
export function forwarded({ address, proto, host }: ClientOrigin): Record<string, string> {
  return { 'x-forwarded-for': address, 'x-forwarded-proto': proto, 'x-forwarded-host': host };
}
