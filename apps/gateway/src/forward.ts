import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type Readable, Transform } from 'node:stream';
import type { Operation } from '@slipway/contract-kit/operation';
import { problem } from '@slipway/contracts/errors';
import type { Upstream } from '@slipway/platform/calls/upstream';
import { hasBody } from '@slipway/platform/core/request-body';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ClientOrigin } from './client-origin.ts';

type Options = {
  upstream: Upstream;
  operation: Operation;
  /** Maximum size of the request body; bytes. */
  bodyLimit: number;
  /** Maximum time until the last byte of the response; milliseconds. */
  timeoutMs: number;
  originOf: (request: FastifyRequest) => ClientOrigin;
};

/** Maximum size of a body that is read before it is forwarded; bytes. A stream would buffer as much. */
const smallBody = 16_384;

/**
 * Makes the handler that forwards an operation to its service. Both bodies are streamed with backpressure. If the
 * client disconnects, the call is aborted; if the service breaks off, so does the response. A small body is read first,
 * so that the call can be sent to another replica when one has just died, and a client that does not finish its body
 * uses no connection to the service.
 */
export function forwardTo({ upstream, operation, bodyLimit, timeoutMs, originOf }: Options) {
  // The service handles a body that is not JSON while it arrives; JSON must be complete first.
  const isStreamed = operation.schema.consumes !== undefined;
  const takesBody = Boolean(operation.schema.body ?? operation.schema.consumes);
  return async (request: FastifyRequest, reply: FastifyReply) => {
    // If the client disconnected while the hooks ran, `close` was emitted already.
    if (reply.raw.destroyed) return reply.hijack();
    const call = new AbortController();
    const reader = { limit: bodyLimit, isStreamed, call };
    // Ends the call after an error response, too, for example one to a body that came too slowly.
    reply.raw.once('close', () => call.abort());
    try {
      const body = takesBody && hasBody(request.raw) ? await bodyOf(request.raw, reader) : undefined;
      const response = await upstream.request({
        method: request.method as Operation['method'],
        path: request.url,
        headers: { ...requestHeaders(request.headers, body), ...forwarded(originOf(request)) },
        body,
        timeoutMs,
        signal: call.signal,
        operation: operation.schema.operationId,
        sendsAge: true,
      });
      return reply.code(response.statusCode).headers(endToEnd(response.headers)).send(response.body);
    } catch (error) {
      if (reply.raw.destroyed || reply.sent) return reply.hijack();
      throw error;
    }
  };
}

/** @throws {Problem} payload_too_large, if `Content-Length` or the part that is read here exceeds the limit. */
async function bodyOf(raw: IncomingMessage, { limit, isStreamed, call }: BodyOptions) {
  const contentLength = Number(raw.headers['content-length']);
  if (contentLength > limit) throw tooLarge(limit);
  const mayBeSmall = contentLength <= smallBody || !isStreamed;
  return (mayBeSmall ? await smallBodyOf(raw, limit) : undefined) ?? limited(raw, limit, call);
}

type BodyOptions = { limit: number; isStreamed: boolean; call: AbortController };

/** Returns the body if it is small. Otherwise puts back what it has read, and returns `undefined`. */
async function smallBodyOf(raw: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > limit) throw tooLarge(limit);
    if (bytes <= smallBody) continue;
    raw.unshift(Buffer.concat(chunks));
    return undefined;
  }
  return Buffer.concat(chunks);
}

const tooLarge = (limit: number) =>
  problem('payload_too_large', `The body must not be larger than ${limit} bytes`);

/**
 * Returns the request's body as a stream that aborts the call beyond the limit. If the call ends before the body, this
 * stream is destroyed instead of the client's connection, which is still needed for the response.
 */
function limited(raw: IncomingMessage, limit: number, call: AbortController): Readable {
  let bytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > limit) call.abort(tooLarge(limit));
      else done(null, chunk);
    },
  });
  return raw.pipe(counted);
}

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

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const connectionOptions = headers.connection?.toLowerCase().split(/\s*,\s*/) ?? [];
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !hopByHop.has(name) && !connectionOptions.includes(name)),
  );
}

/** Headers that are not forwarded, so that no client can forge them. The gateway or the call sets its own. */
const ownHeaders =
  /^(host|expect|forwarded|x-real-ip|x-forwarded-.*|x-request-age-ms|traceparent|tracestate|b3|x-b3-.*)$/;

function requestHeaders(headers: IncomingHttpHeaders, body: unknown): IncomingHttpHeaders {
  const others = Object.entries(endToEnd(headers)).filter(([name]) => !ownHeaders.test(name));
  return Object.fromEntries(body ? others : others.filter(([name]) => name !== 'content-length'));
}

/** The headers that show a service where a request comes from. */
export function forwarded({ address, proto, host }: ClientOrigin): Record<string, string> {
  return { 'x-forwarded-for': address, 'x-forwarded-proto': proto, 'x-forwarded-host': host };
}
