import { closeAccount } from '@slipway/contracts/billing';
import { checkDeletion, deleteMe } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import type { App } from '@slipway/platform/core/app';
import type { Upstreams } from './forwarded.ts';

/**
 * Deletes an account in the two services that know it. Users is asked first whether it would reject the deletion,
 * because subscriptions that ended do not come back. Billing ends and bills them, and rejects the deletion while an
 * invoice is open. After a crash between the steps the account still exists, so its owner can ask again; each step
 * does nothing the second time.
 */
export function registerAccountDeletionRoutes(
  app: App,
  upstreams: Pick<Upstreams, 'users' | 'billing'>,
): void {
  const users = createClient(upstreams.users, { checkDeletion, deleteMe });
  const billing = createClient(upstreams.billing, { closeAccount });

  app.route({
    ...deleteMe,
    handler: async (request, reply) => {
      const { authorization = '', 'if-match': ifMatch } = request.headers;
      const headers = { authorization, ...(ifMatch !== undefined && { 'if-match': ifMatch }) };
      await users.checkDeletion({ headers });
      await billing.closeAccount({ headers: { authorization } });
      await users.deleteMe({ headers });
      return reply.code(204).send(null);
    },
  });
}
