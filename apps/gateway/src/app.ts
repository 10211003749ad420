import { getKeys } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import { registerAccess } from '@slipway/platform/http/access';
import { readClientAddress } from '@slipway/platform/http/client-address';
import { createTokenVerifier, publishedKeys } from '@slipway/platform/http/tokens';
import { defineService } from '@slipway/platform/service/service';
import packageJson from '../package.json' with { type: 'json' };
import { callerByTokenOrAddress } from './caller.ts';
import { readClientOrigin } from './client-origin.ts';
import { settings } from './config.ts';
import { registerLinger } from './linger.ts';
import { readLinks } from './page-links.ts';
import { registerRateLimit } from './rate-limit.ts';
import { registerAccountDeletion } from './routes/account-deletion.ts';
import { describeSystem, registerDocs, registerOpenApi } from './routes/docs.ts';
import { registerPages } from './routes/pages.ts';
import { registerSystem } from './routes/system.ts';
import { registerRouting } from './routing.ts';

const name = 'gateway';
const { version } = packageJson;

/** The one public door: it knows who is calling, how often they may, and which service answers. */
export const gateway = defineService({
  name,
  version,
  settings,
  async register(app, { settings, metrics, lifecycle, upstream, shareBy }) {
    const upstreams = {
      users: upstream('users', settings.USERS_URL),
      billing: upstream('billing', settings.BILLING_URL),
      reporting: upstream('reporting', settings.REPORTING_URL),
    };
    const keys = createClient(upstreams.users, { getKeys });
    const verify = createTokenVerifier(publishedKeys(() => keys.getKeys()));
    const originOf = readClientOrigin(settings.TRUSTED_PROXIES);
    const document = describeSystem(version);

    shareBy(callerByTokenOrAddress(verify, readClientAddress(settings.TRUSTED_PROXIES)));
    registerLinger(app);
    const limitSignIns = await registerRateLimit(app, {
      most: settings.RATE_LIMIT,
      mostSignIns: settings.RATE_LIMIT_SIGN_IN,
      verify,
      addressOf: (request) => originOf(request).address,
      metrics,
    });
    await registerPages(app, readLinks(settings.PAGE_LINKS));
    await registerDocs(app, document);

    await app.register(async (api) => {
      registerAccess(api, { verify });
      registerOpenApi(api, document);
      registerSystem(api, {
        own: { name, version, lifecycle },
        statusUrls: {
          users: settings.USERS_STATUS_URL,
          billing: settings.BILLING_STATUS_URL,
          reporting: settings.REPORTING_STATUS_URL,
        },
      });
      registerAccountDeletion(api, upstreams);
      await api.register(async (proxied) => {
        registerRouting(proxied, {
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
