import type { FastifyReply, FastifyRequest } from 'fastify';

/** Nothing that a page does not name: no framing, no form, no address of another host. */
const basePolicy =
  "default-src 'none'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * Makes the hook that tells browsers what the pages behind it may do.
 *
 * @param policy the directives that these pages need beyond the base (Content Security Policy Level 3)
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
