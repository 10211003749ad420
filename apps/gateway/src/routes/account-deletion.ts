import { cancelAllSubscriptions } from '@slipway/contracts/billing';
import { checkDeletion, deleteMe } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import type { App } from '@slipway/platform/core/app';
import type { Upstreams } from './forwarded.ts';

/**
 * Deletes an account: billing cancels its subscriptions, then users deletes it. The deletion is checked first, so that
 * no subscription ends for a deletion that would be rejected. After a crash between the two steps the account still
 * exists, so its owner can send the request again; both steps can be repeated.
 */
export function registerAccountDeletionRoutes(
  app: App,
  upstreams: Pick<Upstreams, 'users' | 'billing'>,
): void {
  const users = createClient(upstreams.users, { checkDeletion, deleteMe });
  const billing = createClient(upstreams.billing, { cancelAllSubscriptions });

  app.route({
    ...deleteMe,
    handler: async (request, reply) => {
      const { authorization = '', 'if-match': ifMatch } = request.headers;
      const headers = { authorization, ...(ifMatch !== undefined && { 'if-match': ifMatch }) };
      await users.checkDeletion({ headers });
      await billing.cancelAllSubscriptions({ headers: { authorization } });
      await users.deleteMe({ headers });
      return reply.code(204).send(null);
    },
  });
}
