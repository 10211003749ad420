import { problem } from '@slipway/contracts/errors';
import { getSystem, type System, streamSystem } from '@slipway/contracts/gateway';
import type { App } from '@slipway/platform/core/app';
import { openEventStream } from '@slipway/platform/http/event-stream';
import type { FastifyRequest } from 'fastify';
import type { LiveSystem } from '../live-system.ts';

type Options = {
  system: () => Promise<System>;
  live: LiveSystem;
  /** Returns the network that counts as one client. */
  networkOf: (request: FastifyRequest) => string;
};

/** Seconds after which a viewer for whom there is no room may try again. */
const retryAfter = 5;

/** Shows the state of every service to anyone. The status is 200, whatever that state is. */
export function registerSystemRoutes(app: App, { system, live, networkOf }: Options): void {
  app.route({ ...getSystem, handler: () => system() });
  app.route({
    ...streamSystem,
    // Fastify checks each response against its schema, and this one has no end.
    schema: { ...streamSystem.schema, response: {} },
    exposeHeadRoute: false,
    handler: (request, reply) => {
      const client = networkOf(request);
      if (!live.hasRoomFor(client))
        throw problem('overloaded', 'There is no room for another viewer', { retryAfter });
      const { headers, query } = request;
      const after = headers['last-event-id'] ? Number(headers['last-event-id']) : query.after;
      live.add(openEventStream(request, reply), client, after);
    },
  });
}
