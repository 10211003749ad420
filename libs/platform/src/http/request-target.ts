import type { IncomingMessage } from 'node:http';
import { problem } from '@slipway/contract-kit/problem';
import type { FastifyInstance } from 'fastify';

const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * The target of a request in origin-form, as routes have it. A client may name the whole URL, as it does to a proxy;
 * the host in it counts, then, and not the header (RFC 9112, 3.2.2).
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

/** Rejects every other form of target, such as `*api/v1/plans`: the router would take any first character for a slash. */
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
