import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type Readable, Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Operation } from '@slipway/contract-kit/operation';
import { problem } from '@slipway/contracts/errors';
import type { Upstream } from '@slipway/platform/calls/upstream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ClientOrigin } from './client-origin.ts';

type Options = {
  upstream: Upstream;
  operation: Operation;
  /** Largest body; bytes. */
  bodyLimit: number;
  /** Longest time until the last byte of the answer; milliseconds. */
  timeoutMs: number;
  originOf: (request: FastifyRequest) => ClientOrigin;
};

/** Bodies of announced size up to this are read before they are passed on; bytes. As much as a stream would hold. */
const small = 16_384;

/**
 * Makes the handler that passes an operation on to the service that answers it. Both bodies stream, at the pace
 * of the slower side, and neither side outlives the other: a client that goes away ends the call, a service
 * that breaks off breaks off the answer. A small body is read first: then a replica that has just died costs no
 * request, for the call can go to another one.
 */
export function forwardTo({ upstream, operation, bodyLimit, timeoutMs, originOf }: Options) {
  const takesBody = Boolean(operation.schema.body ?? operation.schema.consumes);
  return async (request: FastifyRequest, reply: FastifyReply) => {
    // A client may go while the hooks run; `close` does not come again.
    if (reply.raw.destroyed) return reply.hijack();
    const call = new AbortController();
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) call.abort();
    });
    try {
      const body = takesBody && hasBody(request) ? await bodyOf(request, bodyLimit, call) : undefined;
      const answer = await upstream.request({
        method: request.method as Operation['method'],
        path: request.url,
        headers: { ...requestHeaders(request.headers, body), ...forwarded(originOf(request)) },
        body,
        timeoutMs,
        signal: call.signal,
        operation: operation.schema.operationId,
      });
      return reply.code(answer.statusCode).headers(endToEnd(answer.headers)).send(answer.body);
    } catch (error) {
      if (reply.raw.destroyed || reply.sent) return reply.hijack();
      throw error;
    }
  };
}

function hasBody({ method, headers }: FastifyRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** @throws {Problem} payload_too_large at once, if the request announces more than the limit. */
async function bodyOf({ raw, headers }: FastifyRequest, limit: number, call: AbortController) {
  const announced = Number(headers['content-length']);
  if (announced > limit) throw tooLarge(limit);
  return announced <= small ? buffer(raw) : limited(raw, limit, call);
}

const tooLarge = (limit: number) =>
  problem('payload_too_large', `The body must not have more than ${limit} bytes`);

/**
 * The request's body, cut off beyond the limit. A stream of its own: when the call ends before the body does,
 * it is this that is destroyed and not the client's connection, which still has to carry the answer.
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

/** Headers of one connection, not of the message (RFC 9110, 7.6.1). */
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
  const named = headers.connection?.toLowerCase().split(/\s*,\s*/) ?? [];
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !hopByHop.has(name) && !named.includes(name)),
  );
}

/** What a client must not say itself, or says of this connection only; a call tells the trace by itself. */
const ownHeaders = /^(host|expect|forwarded|x-real-ip|x-forwarded-.*|traceparent|tracestate|b3|x-b3-.*)$/;

function requestHeaders(headers: IncomingHttpHeaders, body: unknown): IncomingHttpHeaders {
  const kept = Object.entries(endToEnd(headers)).filter(([name]) => !ownHeaders.test(name));
  return Object.fromEntries(body ? kept : kept.filter(([name]) => name !== 'content-length'));
}

function forwarded({ address, proto, host }: ClientOrigin): IncomingHttpHeaders {
  return { 'x-forwarded-for': address, 'x-forwarded-proto': proto, 'x-forwarded-host': host };
}
