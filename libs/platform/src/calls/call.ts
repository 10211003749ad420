import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';

/** One request to a service. `path` holds the query as well. */
export type UpstreamRequest = {
  method: Dispatcher.HttpMethod;
  path: string;
  headers?: Record<string, string | string[] | undefined>;
  /** A stream is sent as it comes, once: such a request is never repeated. */
  body?: string | Buffer | Readable;
  /** Longest time for the whole exchange, answer body included; milliseconds. */
  timeoutMs?: number;
  /** Whether the request may be sent twice; by default what its method or an Idempotency-Key says. */
  idempotent?: boolean;
  /** Gives the request up, such as when the client it is made for has gone. */
  signal?: AbortSignal;
  /** Name of the operation in metrics and spans: a pattern, never a URL. */
  operation?: string;
};

export type UpstreamResponse = {
  statusCode: number;
  headers: IncomingHttpHeaders;
  /** Must be read to its end or destroyed: it holds a connection until then. */
  body: Dispatcher.ResponseData['body'];
};

/** Methods that HTTP defines as idempotent (RFC 9110, 9.2.2). */
const idempotentMethods = new Set<string>(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Whether a request can be sent twice with the effect of one, and can be sent twice at all. */
export function isRepeatable(request: UpstreamRequest): boolean {
  if (isStream(request.body)) return false;
  return request.idempotent ?? (idempotentMethods.has(request.method) || hasIdempotencyKey(request));
}

function hasIdempotencyKey({ headers = {} }: UpstreamRequest): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'idempotency-key');
}

/** Whether a body can be sent only once. */
export function isStream(body: UpstreamRequest['body']): body is Readable {
  return typeof body === 'object' && !Buffer.isBuffer(body);
}
