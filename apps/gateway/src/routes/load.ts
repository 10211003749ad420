import { problem } from '@slipway/contracts/errors';
import { getLoad, startLoad, stopLoad } from '@slipway/contracts/gateway';
import type { App } from '@slipway/platform/core/app';
import type { LoadGenerator } from '../load/load-generator.ts';

/** Registers the load: everybody sees it, and administrators start and stop it where experiments are allowed. */
export function registerLoadRoutes(app: App, generator: LoadGenerator | undefined): void {
  const allowed = () => {
    if (generator) return generator;
    throw problem('conflict', 'Experiments are allowed only where EXPERIMENTS_TOKEN is set');
  };
  app.route({
    ...getLoad,
    handler: async () => {
      const load = generator?.state;
      return load ? { load } : {};
    },
  });
  app.route({ ...startLoad, handler: async ({ body }) => allowed().start(body) });
  app.route({
    ...stopLoad,
    handler: async (_request, reply) => {
      allowed().stop();
      return reply.code(204).send(null);
    },
  });
}
