import type { Operation } from '@slipway/contract-kit/operation';
import { Cancellation } from '@slipway/platform/calls/cancellation';
import type { Upstream } from '@slipway/platform/calls/upstream';
import { hasBody } from '@slipway/platform/core/request-body';
import { sourceFile } from '@slipway/platform/telemetry/source-file';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ClientOrigin } from './client-origin.ts';
import { bodyOf } from './forward-body.ts';
import { requestHeaders } from './forward-headers.ts';
import { respondWith } from './forward-response.ts';

/** This file makes the calls of all forwarded operations. */
const file = sourceFile();

type Options = {
  upstream: Upstream;
  operation: Operation;
  /** Maximum size of the request body; bytes. */
  bodyLimit: number;
  /** Maximum time until the last byte of the response; milliseconds. */
  timeoutMs: number;
  originOf: (request: FastifyRequest) => ClientOrigin;
};

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
    const call = new Cancellation();
    const reader = { limit: bodyLimit, isStreamed, call };
    // Ends the call after an error response, too, for example one to a body that came too slowly.
    reply.raw.once('close', () => call.abort());
    try {
      const body = takesBody && hasBody(request.raw) ? await bodyOf(request.raw, reader) : undefined;
      const response = await upstream.request({
        method: request.method as Operation['method'],
        path: request.url,
        headers: requestHeaders(request.headers, originOf(request), body),
        body,
        timeoutMs,
        signal: call,
        operation: operation.schema.operationId,
        file,
        sendsAge: true,
      });
      respondWith(response, request, reply);
    } catch (error) {
      if (reply.raw.destroyed || reply.sent) return reply.hijack();
      throw error;
    }
  };
}
