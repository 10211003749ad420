import { getKeys, rotateKeys } from '@slipway/contracts/users';
import type { App } from '@slipway/platform/core/app';
import { publishedFor, type SigningKeys } from '../signing-keys.ts';

/** Registers the routes of the keys for access tokens. */
export function registerKeyRoutes(app: App, keys: SigningKeys): void {
  app.route({
    ...getKeys,
    handler: async (_request, reply) => {
      reply.header('cache-control', `public, max-age=${publishedFor}`);
      return { keys: await keys.published() };
    },
  });

  app.route({
    ...rotateKeys,
    handler: async (_request, reply) => {
      const { kid, signsFrom } = await keys.rotate();
      return reply.code(201).send({ kid, signsFrom: new Date(signsFrom).toISOString() });
    },
  });
}
