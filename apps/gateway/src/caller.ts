import type { IncomingMessage } from 'node:http';
import rateLimit from '@fastify/rate-limit';
import type { readClientAddress } from '@slipway/platform/http/client-address';
import type { RememberingVerifier } from '@slipway/platform/http/tokens';

/**
 * Makes the function that names the caller with whom a request shares what the gateway can do: the person whose
 * token it carries, if that token has passed lately, else the address. A token that is only claimed counts for
 * nothing: who made up a new one for each request would have as many shares.
 */
export function callerByTokenOrAddress(
  { remembered }: Pick<RememberingVerifier, 'remembered'>,
  { addressOf }: Pick<ReturnType<typeof readClientAddress>, 'addressOf'>,
): (raw: IncomingMessage) => string {
  return (raw) => {
    const [scheme, token] = raw.headers.authorization?.split(' ') ?? [];
    const person = scheme?.toLowerCase() === 'bearer' && token ? remembered(token) : undefined;
    return person ? `subject ${person.subject}` : `address ${rateLimit.normalizeIP(addressOf({ raw }))}`;
  };
}
