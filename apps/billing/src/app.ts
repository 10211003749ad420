import { getKeys } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import { deliverTo } from '@slipway/platform/events/inbox';
import { registerRelay } from '@slipway/platform/events/relay';
import { registerAccess } from '@slipway/platform/http/access';
import { createTokenVerifier, publishedKeys } from '@slipway/platform/http/tokens';
import { defineService } from '@slipway/platform/service/service';
import { timeLeft } from '@slipway/platform/telemetry/request-context';
import packageJson from '../package.json' with { type: 'json' };
import { systemClock } from './clock.ts';
import { sandboxUrl, settings } from './config.ts';
import { openSandbox } from './provider/sandbox.ts';
import { registerRecovery } from './recovery.ts';
import { registerInvoiceRoutes } from './routes/invoices.ts';
import { registerLedgerRoutes } from './routes/ledger.ts';
import { registerPaymentRoutes } from './routes/payments.ts';
import { registerSubscriptionRoutes } from './routes/subscriptions.ts';
import { registerUsageRoutes } from './routes/usage.ts';
import { openStore } from './store/open.ts';

/** Kept back of a request's time to say that the provider did not answer; milliseconds. */
const margin = 100;

/** Plans, subscriptions, usage, invoices, payments and their ledger. */
export const billing = defineService({
  name: 'billing',
  version: packageJson.version,
  settings,
  openStore: ({ STORE_URL }) => openStore(STORE_URL),

  register(app, { settings, store, log, metrics, upstream }) {
    const provider = openSandbox(sandboxUrl(settings));
    app.addHook('onClose', () => provider.close());
    const clock = systemClock(settings.BILLING_TEST_CLOCK);
    const providerTimeoutMs = settings.PROVIDER_TIMEOUT_MS;
    const timeoutMs = () =>
      Math.max(1, Math.min(providerTimeoutMs, timeLeft(Number.POSITIVE_INFINITY) - margin));
    const settlement = { invoices: store.invoices, provider, clock, timeoutMs };
    registerRecovery(app, { ...settlement, providerTimeoutMs, log });

    registerRelay(app, {
      outbox: store.outbox,
      deliver: deliverTo(upstream('reporting', settings.REPORTING_URL), settings.SERVICE_TOKEN),
      log,
      metrics,
    });

    const users = createClient(upstream('users', settings.USERS_URL), { getKeys });
    registerAccess(app, { verify: createTokenVerifier(publishedKeys(() => users.getKeys())) });
    registerSubscriptionRoutes(app, { ...store, clock });
    registerUsageRoutes(app, { ...store, clock });
    registerInvoiceRoutes(app, { ...store, clock, log });
    registerPaymentRoutes(app, settlement);
    registerLedgerRoutes(app, store);
  },
});
