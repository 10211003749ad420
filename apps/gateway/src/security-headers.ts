import type { FastifyReply, FastifyRequest } from 'fastify';

/** Forbids everything that a page does not allow itself: framing, forms, and requests to other hosts. */
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
    // Stored, so that going back shows a page at once; but asked for again.
    'cache-control': 'no-cache',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
  };
  return async (_request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.headers(headers);
  };
}
