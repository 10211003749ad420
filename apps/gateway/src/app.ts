import { getKeys } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import { registerAccess } from '@slipway/platform/http/access';
import { createAuthentication } from '@slipway/platform/http/authentication';
import { readClientAddress } from '@slipway/platform/http/client-address';
import { registerLinger } from '@slipway/platform/http/linger';
import { workPath } from '@slipway/platform/overload/sample-work';
import { defineService } from '@slipway/platform/service/service';
import packageJson from '../package.json' with { type: 'json' };
import { readClientOrigin } from './client-origin.ts';
import { settings } from './config.ts';
import { createExperimenter } from './experiments.ts';
import { LiveSystem } from './live-system.ts';
import { LoadGenerator } from './load/load-generator.ts';
import { readLinks } from './page-links.ts';
import { registerRateLimit } from './rate-limit.ts';
import { createReplicaLog } from './replica-log.ts';
import { createReplicas } from './replicas.ts';
import { registerAccountDeletionRoutes } from './routes/account-deletion.ts';
import { describeSystem, registerDocsRoutes, registerOpenApiRoutes } from './routes/docs.ts';
import { registerExperimentRoutes } from './routes/experiments.ts';
import { registerForwardedRoutes } from './routes/forwarded.ts';
import { registerLoadRoutes } from './routes/load.ts';
import { registerPageRoutes } from './routes/pages.ts';
import { registerSystemRoutes } from './routes/system.ts';
import { registerTraceRoutes } from './routes/traces.ts';
import { createReading, describeReadings } from './system.ts';
import { createTraces } from './traces.ts';
import { forUpstreams, statusUrlOf, upstreamNames, urlOf } from './upstreams.ts';

const name = 'gateway';
const { version } = packageJson;

/** The public entry point: authenticates callers, limits their rate, and forwards requests to the services. */
export const gateway = defineService({
  name,
  version,
  isPublic: true,
  settings,
  async register(app, { settings, metrics, tracing, lifecycle, status, upstream, experiments, shareBy }) {
    const upstreams = forUpstreams((name) => upstream(name, settings[urlOf(name)]));
    const keys = createClient(upstreams.users, { getKeys });
    const { networkOf } = readClientAddress(settings.TRUSTED_PROXIES);
    const authentication = createAuthentication({ readKeys: () => keys.getKeys(), shareBy, networkOf });
    const originOf = readClientOrigin(settings.TRUSTED_PROXIES);
    const document = describeSystem(version);
    const replicas = upstreamNames.map((name) => createReplicas(name, settings[statusUrlOf(name)]));
    const read = createReading({ own: { name, status }, replicas });
    const { EXPERIMENTS_TOKEN: token } = settings;
    const system = async () => ({
      ...describeReadings(await read()),
      allowsExperiments: token !== undefined,
    });
    const log = createReplicaLog();
    const links = readLinks(settings.PAGE_LINKS);
    const traces = createTraces({ own: tracing.traces, replicas, links });
    const load = token
      ? new LoadGenerator({ addressOf: (service) => settings[urlOf(service)], pathOf: workPath, token })
      : undefined;
    const live = new LiveSystem({
      read: async () => ({ ...log(await read()), load: load?.state }),
      maxViewers: settings.MAX_VIEWERS,
    });
    // At the signal, not after the drain delay: viewers go on at another replica.
    const leave = () => {
      live.close();
      load?.close();
    };
    lifecycle.on('draining', leave);
    app.addHook('preClose', async () => leave());
    app.addHook('onClose', async () => {
      for (const each of replicas) each.close();
    });

    registerLinger(app);
    const limitSignIns = await registerRateLimit(app, {
      max: settings.RATE_LIMIT,
      maxSignIns: settings.RATE_LIMIT_SIGN_IN,
      clients: authentication.clients,
      metrics,
    });
    await registerPageRoutes(app, { links, docsUrl: settings.DOCS_URL, system });
    await registerDocsRoutes(app, document);

    await app.register(async (api) => {
      registerAccess(api, authentication);
      registerOpenApiRoutes(api, document);
      registerSystemRoutes(api, { system, live, networkOf });
      registerTraceRoutes(api, traces);
      const own = { name, experiments };
      registerExperimentRoutes(api, createExperimenter({ token, own, replicas }));
      registerLoadRoutes(api, load);
      registerAccountDeletionRoutes(api, { upstreams, originOf });
      await api.register(async (proxied) => {
        registerForwardedRoutes(proxied, {
          upstreams,
          bodyLimit: settings.BODY_LIMIT_BYTES,
          timeoutMs: settings.REQUEST_TIMEOUT_MS,
          originOf,
          limitSignIns,
        });
      });
    });
  },
});
