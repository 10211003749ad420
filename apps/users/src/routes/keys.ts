import { getKeys, rotateKeys } from '@slipway/contracts/users';
import type { App } from '@slipway/platform/core/app';
import type { Sessions } from '../sessions.ts';
import { publishedFor, type SigningKeys } from '../signing-keys.ts';
import { confirmSession } from './sessions.ts';

type Parts = { keys: SigningKeys; sessions: Pick<Sessions, 'confirm'> };

/** Registers the routes of the keys for access tokens. */
export function registerKeyRoutes(app: App, { keys, sessions }: Parts): void {
  app.route({
    ...getKeys,
    handler: async (_request, reply) => {
      reply.header('cache-control', `public, max-age=${publishedFor}`);
      return { keys: await keys.published() };
    },
  });

  app.route({
    ...rotateKeys,
    handler: async (request, reply) => {
      await confirmSession(request, sessions);
      const { kid, signsFrom } = await keys.rotate();
      return reply.code(201).send({ kid, signsFrom: new Date(signsFrom).toISOString() });
    },
  });
}
