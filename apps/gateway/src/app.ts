import { getKeys } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import { registerAccess } from '@slipway/platform/http/access';
import { createAuthentication } from '@slipway/platform/http/authentication';
import { readClientAddress } from '@slipway/platform/http/client-address';
import { registerLinger } from '@slipway/platform/http/linger';
import { defineService } from '@slipway/platform/service/service';
import packageJson from '../package.json' with { type: 'json' };
import { readClientOrigin } from './client-origin.ts';
import { settings } from './config.ts';
import { openConsole } from './console.ts';
import { registerRateLimit } from './rate-limit.ts';
import { registerAccountDeletionRoutes } from './routes/account-deletion.ts';
import { describeSystem, registerDocsRoutes, registerOpenApiRoutes } from './routes/docs.ts';
import { registerForwardedRoutes } from './routes/forwarded.ts';
import { forUpstreams, urlOf } from './upstreams.ts';

const name = 'gateway';
const { version } = packageJson;

/** The public entry point: authenticates callers, limits their rate, and forwards requests to the services. */
export const gateway = defineService({
  name,
  version,
  isPublic: true,
  settings,
  async register(app, context) {
    const { settings, metrics, upstream, shareBy } = context;
    const upstreams = forUpstreams((name) => upstream(name, settings[urlOf(name)]));
    const keys = createClient(upstreams.users, { getKeys });
    const { networkOf } = readClientAddress(settings.TRUSTED_PROXIES);
    const authentication = createAuthentication({ readKeys: () => keys.getKeys(), shareBy, networkOf });
    const originOf = readClientOrigin(settings.TRUSTED_PROXIES);
    const document = describeSystem(version);
    const console = openConsole(app, name, context);

    registerLinger(app);
    const limitSignIns = await registerRateLimit(app, {
      max: settings.RATE_LIMIT,
      maxSignIns: settings.RATE_LIMIT_SIGN_IN,
      clients: authentication.clients,
      metrics,
    });
    await console.registerPages();
    await registerDocsRoutes(app);

    await app.register(async (api) => {
      registerAccess(api, authentication);
      registerOpenApiRoutes(api, document);
      console.registerOperations(api, networkOf);
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
