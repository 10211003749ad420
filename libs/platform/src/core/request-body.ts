import type { IncomingMessage } from 'node:http';

/** Returns whether a request says that a body follows its head. */
export function announcesBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Returns whether a request has a body that is read. That of a GET or HEAD has no meaning (RFC 9110, 9.3.1). */
export function hasBody(request: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  return request.method !== 'GET' && request.method !== 'HEAD' && announcesBody(request);
}
