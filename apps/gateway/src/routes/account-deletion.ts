import { closeAccount } from '@slipway/contracts/billing';
import { checkDeletion, deleteMe } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import type { App } from '@slipway/platform/core/app';
import type { FastifyRequest } from 'fastify';
import type { ClientOrigin } from '../client-origin.ts';
import { forwarded } from '../forward-headers.ts';
import type { Upstreams } from './forwarded.ts';

type Parts = {
  upstreams: Pick<Upstreams, 'users' | 'billing'>;
  originOf: (request: FastifyRequest) => ClientOrigin;
};

/**
 * Deletes an account in users and billing. Billing ends the subscriptions, which cannot be undone, bills them, and
 * rejects the deletion while an invoice is open. So users first checks the password, the session and the version. After
 * a crash between the steps the account still exists, and its owner can ask again: a finished step has no effect.
 */
export function registerAccountDeletionRoutes(app: App, { upstreams, originOf }: Parts): void {
  const users = createClient(upstreams.users, { checkDeletion, deleteMe });
  const billing = createClient(upstreams.billing, { closeAccount });

  app.route({
    ...deleteMe,
    handler: async (request, reply) => {
      const { authorization = '', 'if-match': ifMatch } = request.headers;
      const headers = {
        authorization,
        ...forwarded(originOf(request)),
        ...(ifMatch !== undefined && { 'if-match': ifMatch }),
      };
      const { body } = request;
      await users.checkDeletion({ headers, body });
      await billing.closeAccount({ headers: { authorization } });
      await users.deleteMe({ headers, body });
      return reply.code(204).send(null);
    },
  });
}
