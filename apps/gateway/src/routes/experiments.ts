import { endExperiment, startExperiment } from '@slipway/contracts/gateway';
import type { App } from '@slipway/platform/core/app';
import type { Experimenter } from '../experiments.ts';

/** Lets administrators start and end experiments in a service. Their state is in that of the system, for everybody. */
export function registerExperimentRoutes(app: App, experimenter: Experimenter): void {
  app.route({
    ...startExperiment,
    handler: ({ params, body }) => experimenter.start(params.service, body),
  });
  app.route({ ...endExperiment, handler: ({ params }) => experimenter.end(params.service) });
}
