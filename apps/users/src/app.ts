import proxyAddr from '@fastify/proxy-addr';
import { problem } from '@slipway/contracts/errors';
import { createClient } from '@slipway/platform/calls/client';
import { deliverEvents } from '@slipway/platform/events/inbox';
import { registerRelay } from '@slipway/platform/events/relay';
import { registerAccess } from '@slipway/platform/http/access';
import { createTokenVerifier, publishedKeys, type TokenVerifier } from '@slipway/platform/http/tokens';
import { defineService } from '@slipway/platform/service/service';
import { StartError } from '@slipway/platform/service/start-error';
import type { Logger } from '@slipway/platform/telemetry/log';
import type { FastifyRequest } from 'fastify';
import packageJson from '../package.json' with { type: 'json' };
import { type AccountStore, createAccounts } from './accounts.ts';
import { type Administrators, createAdministrators, rolesOf } from './administrators.ts';
import { type Settings, settings } from './config.ts';
import { makeFirstAdministrator } from './first-administrator.ts';
import { createPasswordCheck } from './login-limit.ts';
import { createPasswords } from './passwords.ts';
import { registerAccountRoutes } from './routes/accounts.ts';
import { registerKeyRoutes } from './routes/keys.ts';
import { registerSessionRoutes } from './routes/sessions.ts';
import { createSessions } from './sessions.ts';
import { createSigningKeys, type SigningKeys } from './signing-keys.ts';
import { openStore } from './store/open.ts';

/** Accounts and authentication. */
export const users = defineService({
  name: 'users',
  version: packageJson.version,
  settings,
  openStore: ({ STORE_URL }) => openStore(STORE_URL),

  async register(app, { settings, store, log, metrics, upstream }) {
    const passwords = createPasswords();
    const checkPassword = createPasswordCheck(store, passwords);
    const keys = createSigningKeys(store);
    const administrators = createAdministrators(store);
    const revokeAdministrator = administrators.revoke;
    const accounts = createAccounts({ store, passwords, checkPassword, revokeAdministrator });
    const sessions = createSessions({ store, passwords, checkPassword, keys, log });
    await keys.published(); // makes the first key, so that no verifier reads an empty set
    await ensureAdministrator(settings, log, (credentials) =>
      makeFirstAdministrator({ store, accounts, administrators, passwords }, credentials),
    );

    const reporting = createClient(upstream('reporting', settings.REPORTING_URL), { deliverEvents });
    const authorization = `Bearer ${settings.SERVICE_TOKEN}`;
    registerRelay(app, {
      outbox: store.outbox,
      deliver: (events) => reporting.deliverEvents({ body: { events }, headers: { authorization } }),
      log,
      metrics,
    });

    registerAccess(app, { verify: createVerifier(keys, store, administrators) });
    const addressOf = createAddressOf(settings);
    registerAccountRoutes(app, { store, accounts, administrators, sessions, addressOf });
    registerSessionRoutes(app, { sessions, addressOf });
    registerKeyRoutes(app, keys);
  },
});

/**
 * Checks tokens like every service does, and then against the accounts: here a deleted account and a role that
 * was taken away end at once, not when the token expires.
 */
function createVerifier(
  keys: SigningKeys,
  store: Pick<AccountStore, 'accountById'>,
  administrators: Administrators,
): TokenVerifier {
  const verify = createTokenVerifier(publishedKeys(async () => ({ keys: await keys.published() })));
  return async (token) => {
    const principal = await verify(token);
    if (!(await store.accountById(principal.subject)))
      throw problem('unauthenticated', 'The account was deleted');
    return { ...principal, roles: rolesOf(principal.subject, await administrators.list()) };
  };
}

/** The address a request came from: the peer's or, if that is a proxy we trust, the one it tells. */
function createAddressOf({ TRUSTED_PROXIES }: Settings): (request: FastifyRequest) => string {
  try {
    const isTrusted = proxyAddr.compile(TRUSTED_PROXIES.split(',').map((each) => each.trim()));
    return (request) => proxyAddr(request.raw, isTrusted);
  } catch (error) {
    throw new StartError(`TRUSTED_PROXIES is not a list of addresses: ${(error as Error).message}.`, error);
  }
}

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
