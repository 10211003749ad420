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
import { type Account, type AccountStore, type Accounts, accountDeleted, toUser } from '../accounts.ts';
import { type AdministratorStore, type Administrators, rolesOf } from '../administrators.ts';
import { type Caller, readAccess } from '../caller.ts';
import type { Sessions } from '../sessions.ts';

type Parts = {
  store: { accounts: Pick<AccountStore, 'get' | 'list'>; administrators: Pick<AdministratorStore, 'get'> };
  accounts: Accounts;
  administrators: Administrators;
  sessions: Pick<Sessions, 'confirm' | 'keep'>;
  addressOf: (request: FastifyRequest) => string;
};

/** Registers the routes of accounts: a person's own, and all accounts for administrators. */
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
      const { account, roles } = callerOf(request);
      const user = toUser(existing(account), roles);
      return reply.header('etag', userEtag(user)).send(user);
    },
  });

  app.route({
    ...changeMe,
    handler: async (request, reply) => {
      const { account, roles } = existing(await confirmed(request));
      const { currentPassword, ...changes } = request.body;
      const next = await accounts.change(account, changes, {
        currentPassword,
        address: addressOf(request),
        checkVersion: (present) =>
          checkIfMatch(request.headers['if-match'], userEtag(toUser(present, roles))),
      });
      const { session } = callerOf(request);
      if (session && changes.password !== undefined) await sessions.keep(session, next);
      const user = toUser(next, roles);
      return reply.header('etag', userEtag(user)).send(user);
    },
  });

  app.route({
    ...checkDeletion,
    handler: async (request, reply) => {
      const account = await toDelete(request, request.body.currentPassword);
      if (account) await administrators.checkRevoke(account.id);
      return reply.code(204).send(null);
    },
  });

  app.route({
    ...deleteMe,
    handler: async (request, reply) => {
      const account = await toDelete(request, request.body.currentPassword);
      if (account) await accounts.remove(account);
      return reply.code(204).send(null);
    },
  });

  app.route({
    ...listUsers,
    handler: async (request) => {
      const { limit, cursor } = request.query;
      const [found, list] = await Promise.all([
        store.accounts.list(limit + 1, fromCursor(cursor)),
        administrators.list(),
      ]);
      const page = toPage(found, limit, ({ createdAt, id }) => ({ at: createdAt, id }));
      return { ...page, items: page.items.map((account) => toUser(account, rolesOf(account.id, list))) };
    },
  });

  app.route({
    ...setRoles,
    handler: async (request, reply) => {
      const { userId } = request.params;
      const { roles: own } = existing(await confirmed(request));
      if (!own.includes('admin')) throw problem('forbidden');
      if (!(await store.accounts.get(userId))) throw problem('not_found', 'The account does not exist');
      if (request.body.roles.includes('admin')) await administrators.grant(userId);
      else await administrators.revoke(userId);
      const { account, roles } = await readAccess(store, userId);
      if (!account) throw problem('not_found', 'The account was deleted');
      const user = toUser(account, roles);
      return reply.header('etag', userEtag(user)).send(user);
    },
  });

  /**
   * Reads the caller's account and roles again, because they may have changed while the body was received, and checks
   * that the caller's session has not ended, which an access token does not show.
   *
   * @returns `undefined` if the account was deleted
   * @throws {Problem} unauthenticated
   */
  async function confirmed(request: FastifyRequest) {
    const { subject, session } = callerOf(request);
    const { account, roles } = await readAccess(store, subject);
    if (!account) return undefined;
    await sessions.confirm(session, account);
    return { account, roles };
  }

  /**
   * Returns the caller's account; `undefined` if a repeated request finds it already deleted.
   *
   * @throws {Problem} unauthenticated, version_mismatch, wrong_credentials, rate_limited, overloaded
   */
  async function toDelete(request: FastifyRequest, currentPassword: string): Promise<Account | undefined> {
    const caller = await confirmed(request);
    if (!caller) return undefined;
    const { account, roles } = caller;
    checkIfMatch(request.headers['if-match'], userEtag(toUser(account, roles)));
    await accounts.prove(account, { currentPassword, address: addressOf(request) });
    return account;
  }
}

function callerOf(request: FastifyRequest): Caller {
  return principalOf(request) as Caller;
}

/** @throws {Problem} unauthenticated if the account was deleted before the token expired */
function existing<T>(found: T | undefined): T {
  return found ?? accountDeleted();
}

/** Roles are stored apart from the account and do not change its version, so the entity tag names both. */
function userEtag({ version, roles }: User): string {
  return etagOf(version, ...roles);
}
