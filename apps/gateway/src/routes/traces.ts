import { problem } from '@slipway/contracts/errors';
import { getTrace, listTraces } from '@slipway/contracts/gateway';
import type { App } from '@slipway/platform/core/app';
import { contextOf } from '@slipway/platform/telemetry/observe';
import type { FastifyRequest } from 'fastify';
import type { createTraces } from '../traces.ts';

/** Shows the last traces to administrators. */
export function registerTraceRoutes(app: App, traces: ReturnType<typeof createTraces>): void {
  app.route({
    ...listTraces,
    handler: async (request) => {
      leaveOut(request);
      return { items: await traces.list() };
    },
  });
  app.route({
    ...getTrace,
    handler: async (request) => {
      leaveOut(request);
      const trace = await traces.find(request.params.traceId);
      if (trace) return trace;
      throw problem('not_found', 'No service has stored this trace, or newer ones have taken its place');
    },
  });
}

/** Does not store the trace of a look at the traces: the page would fill the list with its own requests. */
function leaveOut(request: FastifyRequest): void {
  const context = contextOf(request);
  if (context) context.spans = undefined;
}
