import type { IncomingMessage } from 'node:http';
import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance } from 'fastify';

const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * Returns a request's target in origin-form, which routes have. A client may send a whole URL, as to a proxy; then the
 * host in it replaces the `Host` header (RFC 9112, 3.2.2). Other forms are returned unchanged.
 *
 * @example
 * originForm({ url: 'http://slipway.example/api/v1/plans?limit=2', headers }); // '/api/v1/plans?limit=2'
 */
export function originForm({ url = '/', headers }: Pick<IncomingMessage, 'url' | 'headers'>): string {
  if (url.startsWith('/')) return url;
  const [, host, rest = ''] = absoluteForm.exec(url) ?? [];
  if (!host) return url;
  headers.host = host;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Rejects other targets, such as `*api/v1/plans`, except `OPTIONS *`: the router takes any first character for a slash. */
export function rejectOtherTargets(app: FastifyInstance): void {
  app.addHook('onRequest', ({ url, method }, _reply, done) => {
    if (url.startsWith('/') || (url === '*' && method === 'OPTIONS')) return done();
    const message = 'must begin with a slash';
    done(
      problem('invalid_request', `The target of the request ${message}`, {
        fields: [{ field: 'path', message }],
      }),
    );
  });
}
