import rateLimit from '@fastify/rate-limit';
import { type CallerOf, callerByToken } from '@slipway/platform/http/caller';
import type { readClientAddress } from '@slipway/platform/http/client-address';
import type { CachingVerifier } from '@slipway/platform/http/tokens';

/** Names the caller with whom a request shares the gateway: a person whose token has passed lately, else an address. */
export function callerByTokenOrAddress(
  verify: Pick<CachingVerifier, 'cached'>,
  { addressOf }: Pick<ReturnType<typeof readClientAddress>, 'addressOf'>,
): CallerOf {
  return callerByToken(verify, (raw) => `address ${rateLimit.normalizeIP(addressOf({ raw }))}`);
}
