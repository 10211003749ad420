import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { SourceFile } from '../core/span-record.ts';
import type { CallSignal } from './cancellation.ts';
import type { ResponseBody } from './response-body.ts';

/** One request to a service. `path` includes the query. */
export type UpstreamRequest = {
  method: Dispatcher.HttpMethod;
  path: string;
  headers?: Record<string, string | string[] | undefined>;
  /** A stream can be sent only once: a request with one is never retried. */
  body?: string | Buffer | Readable;
  /** Timeout of the whole exchange, including the response body; milliseconds. */
  timeoutMs?: number;
  /** Whether the request may be sent twice; by default, its method and Idempotency-Key decide. */
  idempotent?: boolean;
  /** Whether the service learns how long ago the current request was received (`x-request-age-ms`). */
  sendsAge?: boolean;
  /** Aborts the request, for example when the client that it is made for has disconnected. */
  signal?: CallSignal;
  /** Name of the operation in metrics and spans: an operation id or a pattern, never a URL. */
  operation?: string;
  /** The source file that makes the call, for spans. */
  file?: SourceFile;
};

export type UpstreamResponse = {
  statusCode: number;
  headers: IncomingHttpHeaders;
  /** Must be read to its end or destroyed; until then it occupies a connection. */
  body: ResponseBody;
};

/** Methods that HTTP defines as idempotent, without TRACE (RFC 9110, 9.2.2). */
const idempotentMethods = new Set<string>(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** Returns whether a request can be sent twice, and has the same effect as if sent once. */
export function isRetryable(request: UpstreamRequest): boolean {
  if (isStream(request.body)) return false;
  return request.idempotent ?? (idempotentMethods.has(request.method) || hasIdempotencyKey(request));
}

function hasIdempotencyKey({ headers = {} }: UpstreamRequest): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'idempotency-key');
}

/** Returns whether a body can be sent only once. */
export function isStream(body: UpstreamRequest['body']): body is Readable {
  return typeof body === 'object' && !Buffer.isBuffer(body);
}
