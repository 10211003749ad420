import type { FastifyReply, FastifyRequest } from 'fastify';

/** The policy of all pages: no framing, no forms, and nothing loaded but own images. Each page adds what it needs. */
const basePolicy =
  "default-src 'none'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Makes the hook that adds security headers to pages.
 *
 * @param policy the directives that the pages need in addition to the base policy (Content Security Policy Level 3)
 */
export function securityHeaders(policy: string) {
  const headers = {
    'content-security-policy': `${basePolicy}; ${policy}`,
    'x-content-type-options': 'nosniff',
    // A browser may store a page, but must revalidate it before each use, except when the user goes back.
    'cache-control': 'no-cache',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
  };
  return async (_request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.headers(headers);
  };
}
