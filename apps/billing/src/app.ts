import { jobs as jobOperations } from '@slipway/contracts/billing';
import { getKeys } from '@slipway/contracts/users';
import { createClient } from '@slipway/platform/calls/client';
import { timeLeft } from '@slipway/platform/core/request-context';
import { deliverTo } from '@slipway/platform/events/inbox';
import { registerRelay } from '@slipway/platform/events/relay';
import { registerAuthentication } from '@slipway/platform/http/authentication';
import { registerJobRoutes } from '@slipway/platform/jobs/job-routes';
import { registerJobs } from '@slipway/platform/jobs/scheduler';
import { defineService } from '@slipway/platform/service/service';
import { observeDependency } from '@slipway/platform/telemetry/observe-store';
import packageJson from '../package.json' with { type: 'json' };
import { systemClock } from './clock.ts';
import { sandboxUrl, settings } from './config.ts';
import { createCounts } from './counts.ts';
import { billingJobs } from './jobs.ts';
import { plans } from './plans.ts';
import { openSandbox } from './provider/sandbox.ts';
import { registerAccountClosing } from './routes/account-closing.ts';
import { registerInvoiceRoutes } from './routes/invoices.ts';
import { registerLedgerRoutes } from './routes/ledger.ts';
import { registerPaymentRoutes } from './routes/payments.ts';
import { registerSubscriptionRoutes } from './routes/subscriptions.ts';
import { registerUsageRoutes } from './routes/usage.ts';
import { openStore } from './store/open.ts';

/** Time of a request that is reserved for the response, if the provider does not respond in time; milliseconds. */
const margin = 100;

const testClockNotice =
  'The test clock is on (BILLING_TEST_CLOCK): billing runs and usage may have times in the future. For tests only.';

/** The billing service: plans, subscriptions, usage, invoices, payments and their ledger. */
export const billing = defineService({
  name: 'billing',
  version: packageJson.version,
  settings,
  openStore: ({ STORE_URL }) => openStore(STORE_URL),

  register(app, { settings, store, log, metrics, tracing, lifecycle, upstream, shareBy }) {
    const provider = observeDependency('payment-provider', openSandbox(sandboxUrl(settings)), metrics);
    const counts = createCounts(metrics);
    app.addHook('onClose', () => provider.close());
    const clock = systemClock(settings.BILLING_TEST_CLOCK);
    if (settings.BILLING_TEST_CLOCK) {
      lifecycle.notices.push(testClockNotice);
      log.warn(testClockNotice);
    }
    const providerTimeoutMs = settings.PROVIDER_TIMEOUT_MS;
    const timeoutMs = () =>
      Math.max(1, Math.min(providerTimeoutMs, timeLeft(Number.POSITIVE_INFINITY) - margin));
    const settlement = { invoices: store.invoices, provider, clock, counts, timeoutMs };
    const jobs = registerJobs(app, {
      service: 'billing',
      jobs: billingJobs({ ...store, ...settlement, plans, providerTimeoutMs }),
      // The figures of reporting are checked after it.
      publishes: ['billing-cycle'],
      store: store.jobs,
      leaseMs: settings.JOB_LEASE_MS,
      ...{ lifecycle, log, metrics, tracing },
    });

    registerRelay(app, {
      outbox: store.outbox,
      deliver: deliverTo(upstream('reporting', settings.REPORTING_URL), settings.SERVICE_TOKEN),
      log,
      metrics,
      tracing,
    });

    const users = createClient(upstream('users', settings.USERS_URL), { getKeys });
    registerAuthentication(app, { readKeys: () => users.getKeys(), shareBy });
    registerAccountClosing(app, { ...store, clock, counts, plans });
    registerSubscriptionRoutes(app, { ...store, clock, counts });
    registerUsageRoutes(app, { ...store, clock, counts });
    registerInvoiceRoutes(app, { ...store, clock, counts, plans, log });
    registerPaymentRoutes(app, settlement);
    registerLedgerRoutes(app, store);
    registerJobRoutes(app, jobs, jobOperations);
  },
});
