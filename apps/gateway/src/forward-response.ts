import type { OutgoingHttpHeaders } from 'node:http';
import { Problem, problem } from '@slipway/contract-kit/problem';
import type { UpstreamResponse } from '@slipway/platform/calls/call';
import { withContext } from '@slipway/platform/core/request-context';
import { contextOf, noteBroken } from '@slipway/platform/telemetry/observe';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { addResponseHeaders } from './forward-headers.ts';

/**
 * Answers a request with the response of a service, whose body may still be arriving. It is written directly to Node's
 * response, because Fastify's reply would copy the body through a stream. If the service breaks off, that counts as its
 * failure, and not as the client's.
 */
export function respondWith(response: UpstreamResponse, request: FastifyRequest, reply: FastifyReply): void {
  const { raw } = reply;
  const headers = reply.getHeaders() as UpstreamResponse['headers'];
  addResponseHeaders(headers, response.headers);
  raw.writeHead(response.statusCode, headers as OutgoingHttpHeaders);
  reply.hijack();
  response.body.pipeTo(raw, (reason) => {
    const context = contextOf(request);
    // If the client has disconnected, the response broke off for that reason.
    if (raw.destroyed || !context) return;
    noteBroken(reply, reason instanceof Problem ? reason : problem('upstream_failed'));
    withContext(context, () => request.log.warn({ err: reason }, 'response broke off'));
  });
}
