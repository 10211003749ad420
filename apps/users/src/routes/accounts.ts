import { problem } from '@slipway/contracts/errors';
import {
  changeMe,
  checkDeletion,
  deleteMe,
  getMe,
  listUsers,
  setRoles,
  signUp,
  type User,
} from '@slipway/contracts/users';
import type { App } from '@slipway/platform/core/app';
import { fromCursor, toPage } from '@slipway/platform/core/pagination';
import { principalOf } from '@slipway/platform/http/access';
import { checkIfMatch, etagOf } from '@slipway/platform/http/etag';
import type { FastifyRequest } from 'fastify';
import { type Account, type AccountStore, type Accounts, toUser } from '../accounts.ts';
import { type Administrators, rolesOf } from '../administrators.ts';
import type { Sessions } from '../sessions.ts';

type Parts = {
  store: Pick<AccountStore, 'accountById' | 'listAccounts'>;
  accounts: Accounts;
  administrators: Administrators;
  sessions: Pick<Sessions, 'keep'>;
  addressOf: (request: FastifyRequest) => string;
};

type Found = { account: Account; user: User };

/** Accounts over HTTP: one's own, and all of them for administrators. */
export function registerAccountRoutes(app: App, parts: Parts): void {
  const { store, accounts, administrators, sessions, addressOf } = parts;

  app.route({
    ...signUp,
    handler: async (request, reply) => {
      const user = toUser(await accounts.signUp(request.body), ['member']);
      return reply.code(201).header('etag', userEtag(user)).send(user);
    },
  });

  app.route({
    ...getMe,
    handler: async (request, reply) => {
      const { user } = await own(request);
      return reply.header('etag', userEtag(user)).send(user);
    },
  });

  app.route({
    ...changeMe,
    handler: async (request, reply) => {
      const { session } = principalOf(request);
      const { account, user } = await own(request);
      checkIfMatch(request.headers['if-match'], userEtag(user));
      const { currentPassword, ...changes } = request.body;
      const next = await accounts.change(account, changes, { currentPassword, address: addressOf(request) });
      if (session && changes.password !== undefined) await sessions.keep(session, next);
      const nextUser = toUser(next, user.roles);
      return reply.header('etag', userEtag(nextUser)).send(nextUser);
    },
  });

  app.route({
    ...checkDeletion,
    handler: async (request, reply) => {
      const account = await toDelete(request);
      if (account) await administrators.checkRevoke(account.id);
      return reply.code(204).send(null);
    },
  });

  app.route({
    ...deleteMe,
    handler: async (request, reply) => {
      const account = await toDelete(request);
      if (account) await accounts.remove(account);
      return reply.code(204).send(null);
    },
  });

  app.route({
    ...listUsers,
    handler: async (request) => {
      const { limit, cursor } = request.query;
      const found = await store.listAccounts(limit + 1, fromCursor(cursor));
      const list = await administrators.list();
      const page = toPage(found, limit, ({ createdAt, id }) => ({ at: createdAt, id }));
      return { ...page, items: page.items.map((account) => toUser(account, rolesOf(account.id, list))) };
    },
  });

  app.route({
    ...setRoles,
    handler: async (request, reply) => {
      const { userId } = request.params;
      if (!(await store.accountById(userId))) throw problem('not_found', 'There is no such account');
      if (request.body.roles.includes('admin')) await administrators.grant(userId);
      else await administrators.revoke(userId);
      const found = await find(userId);
      if (!found) throw problem('not_found', 'The account was deleted');
      const { user } = found;
      return reply.header('etag', userEtag(user)).send(user);
    },
  });

  /** The account of the caller, whose token may have outlived it. */
  async function own(request: FastifyRequest): Promise<Found> {
    const found = await find(principalOf(request).subject);
    if (!found) throw problem('unauthenticated', 'The account was deleted');
    return found;
  }

  /** The account of the caller; nothing if it is deleted already, and the caller who lost the answer asks again. */
  async function toDelete(request: FastifyRequest): Promise<Account | undefined> {
    const found = await find(principalOf(request).subject);
    if (found) checkIfMatch(request.headers['if-match'], userEtag(found.user));
    return found?.account;
  }

  async function find(id: string): Promise<Found | undefined> {
    const account = await store.accountById(id);
    return account && { account, user: toUser(account, rolesOf(id, await administrators.list())) };
  }
}

/** Roles are kept apart from the account and have no part in its version. */
function userEtag({ version, roles }: User): string {
  return etagOf(version, ...roles);
}
