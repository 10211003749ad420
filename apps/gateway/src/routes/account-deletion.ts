import { cancelAllSubscriptions } from '@slipway/contracts/billing';
import { checkDeletion, deleteMe } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import type { App } from '@slipway/platform/core/app';
import type { Upstreams } from '../routing.ts';

/**
 * Deletes an account in the two services that know it, unless that would be refused: subscriptions must not end
 * for it. They end first: after a crash between the two steps the account is still there, so its owner can ask
 * again, and each step does nothing the second time.
 */
export function registerAccountDeletion(app: App, upstreams: Pick<Upstreams, 'users' | 'billing'>): void {
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
