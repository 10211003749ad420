import type { App } from '@slipway/platform/core/app';
import { workPath } from '@slipway/platform/overload/sample-work';
import type { ServiceContext } from '@slipway/platform/service/service';
import type { FastifyRequest } from 'fastify';
import type { Settings } from './config.ts';
import { createExperimenter } from './experiments.ts';
import { LiveSystem } from './live-system.ts';
import { LoadGenerator } from './load/load-generator.ts';
import { readLinks } from './page-links.ts';
import { createReplicaLog } from './replica-log.ts';
import { createReplicas } from './replicas.ts';
import { registerExperimentRoutes } from './routes/experiments.ts';
import { registerLoadRoutes } from './routes/load.ts';
import { registerPageRoutes } from './routes/pages.ts';
import { registerSystemRoutes } from './routes/system.ts';
import { registerTraceRoutes } from './routes/traces.ts';
import { createReading, describeReadings } from './system.ts';
import { createTraces } from './traces.ts';
import { statusUrlOf, upstreamNames, urlOf } from './upstreams.ts';

type Context = Pick<
  ServiceContext<Settings, undefined>,
  'settings' | 'log' | 'tracing' | 'lifecycle' | 'status' | 'experiments'
>;

/**
 * Opens what the console shows and does: it reads all replicas, streams the readings, joins traces, and where experiments
 * are allowed, starts them and sends load. It closes with the app.
 *
 * @param name that of this service, which is a part of the system, too
 */
export function openConsole(app: App, name: string, context: Context) {
  const { settings, tracing, lifecycle, status, experiments } = context;
  const { EXPERIMENTS_TOKEN: token } = settings;
  const replicas = upstreamNames.map((name) => createReplicas(name, settings[statusUrlOf(name)]));
  const read = createReading({ own: { name, status }, replicas });
  const system = async () => ({ ...describeReadings(await read()), allowsExperiments: token !== undefined });
  const links = readLinks(settings.PAGE_LINKS);
  const load = token ? createLoad(context, token) : undefined;
  const log = createReplicaLog();
  const live = new LiveSystem({
    read: async () => ({ ...log(await read()), load: load?.state }),
    maxViewers: settings.MAX_VIEWERS,
  });
  const stop = () => {
    live.close();
    load?.close();
  };
  // At the signal, not after the drain delay: viewers go on at another replica.
  lifecycle.on('draining', stop);
  app.addHook('preClose', async () => stop());
  app.addHook('onClose', async () => {
    for (const each of replicas) each.close();
  });

  return {
    registerPages: () => registerPageRoutes(app, { links, docsUrl: settings.DOCS_URL, system }),
    /** @param networkOf returns the network that counts as one viewer */
    registerOperations(api: App, networkOf: (request: FastifyRequest) => string): void {
      registerSystemRoutes(api, { system, live, networkOf });
      registerTraceRoutes(api, createTraces({ own: tracing.traces, replicas, links }));
      registerExperimentRoutes(api, createExperimenter({ token, own: { name, experiments }, replicas }));
      registerLoadRoutes(api, load);
    },
  };
}

const createLoad = ({ settings, log }: Context, token: string) =>
  new LoadGenerator({ addressOf: (service) => settings[urlOf(service)], pathOf: workPath, token, log });
