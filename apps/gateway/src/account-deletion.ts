import { cancelAllSubscriptions } from '@slipway/contracts/billing';
import { deleteMe, getMe } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import type { Upstream } from '@slipway/platform/calls/upstream';
import { checkIfMatch } from '@slipway/platform/http/etag';
import type { App } from '@slipway/platform/service/service';
import type { Upstreams } from './routing.ts';

/**
 * Deletes an account in the two services that know it. Subscriptions end first: after a crash between the two
 * steps the account is still there, so its owner can ask again, and each step does nothing the second time.
 */
export function registerAccountDeletion(app: App, upstreams: Pick<Upstreams, 'users' | 'billing'>): void {
  const users = createClient(upstreams.users, { deleteMe });
  const billing = createClient(upstreams.billing, { cancelAllSubscriptions });

  app.route({
    ...deleteMe,
    handler: async (request, reply) => {
      const { authorization = '', 'if-match': ifMatch } = request.headers;
      if (ifMatch !== undefined) await checkVersion(upstreams.users, authorization, ifMatch);
      await billing.cancelAllSubscriptions({ headers: { authorization } });
      await users.deleteMe({
        headers: { authorization, ...(ifMatch !== undefined && { 'if-match': ifMatch }) },
      });
      return reply.code(204).send(null);
    },
  });
}

/** Subscriptions must not end for a deletion that is then refused because of its `If-Match`. */
async function checkVersion(users: Upstream, authorization: string, ifMatch: string): Promise<void> {
  const { method, url, schema } = getMe;
  const { headers, body } = await users.request({
    method,
    path: url,
    headers: { authorization },
    operation: schema.operationId,
  });
  await body.dump();
  // Without an ETag the read has failed; what is wrong then is told by the steps that follow.
  if (headers.etag !== undefined) checkIfMatch(ifMatch, String(headers.etag));
}
