import { problem } from '@slipway/contracts/errors';
import { checkSession, logIn, logOut, refresh } from '@slipway/contracts/users';
import type { App } from '@slipway/platform/core/app';
import { claimedAge, currentAge } from '@slipway/platform/core/received-at';
import { principalOf } from '@slipway/platform/http/access';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../caller.ts';
import type { Sessions } from '../sessions.ts';

type Parts = {
  sessions: Sessions;
  addressOf: (request: FastifyRequest) => string;
  isTrusted: (address: string) => boolean;
};

/** Registers the routes of sessions. */
export function registerSessionRoutes(app: App, { sessions, addressOf, isTrusted }: Parts): void {
  app.route({
    ...logIn,
    handler: async (request, reply) =>
      reply.code(201).send(await sessions.logIn(request.body, addressOf(request))),
  });

  app.route({
    ...refresh,
    handler: async (request) => sessions.refresh(request.body.refreshToken, receivedAt(request)),
  });

  app.route({
    ...checkSession,
    handler: async (request, reply) => {
      await confirmSession(request, sessions);
      return reply.code(204).send(null);
    },
  });

  app.route({
    ...logOut,
    handler: async (request, reply) => {
      await sessions.logOut(request.body.refreshToken);
      return reply.code(204).send(null);
    },
  });

  /** Returns when the gateway received a request, or this service if it came from elsewhere. */
  function receivedAt({ socket, headers }: FastifyRequest): number {
    const age = isTrusted(socket.remoteAddress ?? '') ? claimedAge(headers) : 0;
    return Date.now() - currentAge() - age;
  }
}

/** @throws {Problem} unauthenticated if the caller's session has ended, or the account was deleted */
export async function confirmSession(
  request: FastifyRequest,
  sessions: Pick<Sessions, 'confirm'>,
): Promise<void> {
  const { account, session } = principalOf(request) as Caller;
  if (!account) throw problem('unauthenticated', 'The account was deleted');
  await sessions.confirm(session, account);
}
