import { jobs as jobOperations } from '@slipway/contracts/users';
import { StartError } from '@slipway/platform/core/start-error';
import { deliverTo } from '@slipway/platform/events/inbox';
import { registerRelay } from '@slipway/platform/events/relay';
import { registerAuthentication } from '@slipway/platform/http/authentication';
import { readClientAddress } from '@slipway/platform/http/client-address';
import { registerJobRoutes } from '@slipway/platform/jobs/job-routes';
import { registerJobs } from '@slipway/platform/jobs/scheduler';
import { defineService } from '@slipway/platform/service/service';
import type { Logger } from '@slipway/platform/telemetry/log';
import packageJson from '../package.json' with { type: 'json' };
import { createAccounts } from './accounts.ts';
import { createAdministrators } from './administrators.ts';
import { readAccess } from './caller.ts';
import { type Settings, settings } from './config.ts';
import { createCounts, measureUsers } from './counts.ts';
import { makeFirstAdministrator } from './first-administrator.ts';
import { usersJobs } from './jobs.ts';
import { createPasswordCheck } from './login-limit.ts';
import { createPasswords } from './passwords.ts';
import { registerAccountRoutes } from './routes/accounts.ts';
import { registerKeyRoutes } from './routes/keys.ts';
import { registerSessionRoutes } from './routes/sessions.ts';
import { createSessions } from './sessions.ts';
import { createSigningKeys } from './signing-keys.ts';
import { openStore } from './store/open.ts';

/** The users service: accounts and authentication. */
export const users = defineService({
  name: 'users',
  version: packageJson.version,
  settings,
  openStore: ({ STORE_URL }) => openStore(STORE_URL),

  async register(app, { settings, store, log, metrics, tracing, lifecycle, upstream, shareBy }) {
    const passwords = createPasswords();
    const checkPassword = createPasswordCheck(store, passwords);
    const keys = createSigningKeys(store);
    measureUsers(metrics, passwords, keys);
    const counts = createCounts(metrics);
    const administrators = createAdministrators(store);
    const accounts = createAccounts({ store, passwords, checkPassword, administrators, counts });
    const sessions = createSessions({ store, passwords, checkPassword, keys, log, counts });
    await keys.published(); // creates the first key, so that no verifier reads an empty set
    await ensureAdministrator(settings, log, (credentials) =>
      makeFirstAdministrator({ store, accounts, administrators, passwords }, credentials),
    );

    const jobs = registerJobs(app, {
      service: 'users',
      jobs: usersJobs({ ...store, keys }),
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

    registerAuthentication(app, {
      readKeys: async () => ({ keys: await keys.published() }),
      shareBy,
      currentAccess: (subject) => readAccess(store, subject),
    });
    const { addressOf, isTrusted } = readClientAddress(settings.TRUSTED_PROXIES);
    registerAccountRoutes(app, { store, accounts, administrators, sessions, addressOf });
    registerSessionRoutes(app, { sessions, addressOf, isTrusted });
    registerKeyRoutes(app, { keys, sessions });
    registerJobRoutes(app, jobs, jobOperations);
  },
});

async function ensureAdministrator(
  { ADMIN_EMAIL: email, ADMIN_PASSWORD: password }: Settings,
  log: Logger,
  make: (credentials: { email: string; password: string }) => Promise<boolean>,
): Promise<void> {
  if (email === undefined && password === undefined) return;
  if (!email || !password) throw new StartError('ADMIN_EMAIL and ADMIN_PASSWORD must be set together.');
  if (!(await make({ email, password }))) {
    log.warn('ADMIN_EMAIL belongs to an account with another password; there is no administrator');
  }
}
