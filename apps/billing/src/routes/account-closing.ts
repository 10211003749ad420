import type { Access } from '@slipway/contract-kit/operation';
import type { Problem } from '@slipway/contract-kit/problem';
import { closeAccount } from '@slipway/contracts/billing';
import { problem } from '@slipway/contracts/errors';
import type { App } from '@slipway/platform/core/app';
import { timeLeft } from '@slipway/platform/core/request-context';
import { principalOf } from '@slipway/platform/http/access';
import type { FastifyRequest } from 'fastify';
import { type ClosedAccountStore, type ClosingParts, closeAccount as close } from '../account-closing.ts';

/** Maximum time that the clock of the token issuer may be ahead of this one; milliseconds. */
const issuerSkew = 5_000;
/** Time of a request that is reserved for its response; milliseconds. */
const margin = 1_000;

/**
 * Registers the route that closes accounts. On routes that are registered afterwards, the tokens of a closed account
 * can only read until they expire. A token that was issued after the closing is accepted: it shows that the account's
 * deletion did not succeed.
 */
export function registerAccountClosing(app: App, parts: Omit<ClosingParts, 'mayGoOn'>): void {
  const { closedAccounts } = parts;
  const check = async (request: FastifyRequest) => {
    if (await isClosed(closedAccounts, request)) throw accountDeleted();
  };

  app.addHook('onRoute', (route) => {
    const { access } = (route.config ?? {}) as { access?: Access };
    const isRead = [route.method].flat().every((method) => method === 'GET' || method === 'HEAD');
    const isPersonal = access === 'member' || access === 'admin';
    // A repeated deletion finds the account closed, and must be able to continue.
    if (isRead || !isPersonal || route.url === closeAccount.url) return;
    route.onRequest = [...[route.onRequest ?? []].flat(), check];
  });

  app.route({
    ...closeAccount,
    handler: async (request, reply) => {
      const mayGoOn = () => timeLeft(Number.POSITIVE_INFINITY) > margin;
      await close({ ...parts, mayGoOn }, principalOf(request).subject);
      return reply.code(204).send(null);
    },
  });
}

/** Returns whether the caller's account was closed after the token was issued. */
export async function isClosed(accounts: ClosedAccountStore, request: FastifyRequest): Promise<boolean> {
  const { subject, issuedAt = 0 } = principalOf(request);
  const closedAt = await accounts.closedAt(subject);
  return closedAt !== undefined && issuedAt <= Date.parse(closedAt) + issuerSkew;
}

/** Returns the problem of a caller whose account is closed. */
export function accountDeleted(): Problem {
  const fields = [{ field: 'header.authorization', message: 'is a token of a deleted account' }];
  return problem('unauthenticated', 'The account was deleted', { fields });
}
