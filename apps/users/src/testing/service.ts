import { createMetrics } from '@slipway/platform/telemetry/metrics';
import { buildTestService } from '@slipway/platform/testing/service';
import { createAccounts } from '../accounts.ts';
import { createAdministrators } from '../administrators.ts';
import { users } from '../app.ts';
import { createCounts } from '../counts.ts';
import { createPasswordCheck } from '../login-limit.ts';
import { createPasswords, type Derive } from '../passwords.ts';
import { createSessions } from '../sessions.ts';
import { createSigningKeys } from '../signing-keys.ts';
import { openStore } from '../store/open.ts';
import type { UsersStore } from '../store/store.ts';

/** Hashes passwords as in production, at a cost that is low enough for many tests. */
export const cheapPasswords = (derive?: Derive) =>
  createPasswords({ memory: 8, passes: 1, parallelism: 1 }, derive);

/**
 * Wraps a store so that a test can run something right before the next call of a method, as another replica would.
 *
 * @example
 * before('accounts.replace', () => accounts.remove(account));
 */
export function interruptible(store: UsersStore) {
  const acts = new Map<string, () => Promise<unknown>>();
  const wrap = <Part extends object>(part: Part, path: string): Part =>
    new Proxy(part, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        const method = path + String(name);
        if (typeof value === 'object' && value !== null) return wrap(value, `${method}.`);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          const act = acts.get(method);
          acts.delete(method);
          await act?.();
          return value(...args);
        };
      },
    });
  type Part = 'accounts' | 'administrators' | 'sessions';
  type Method = 'get' | 'add' | 'replace' | 'remove';
  const before = (method: `${Part}.${Method}`, act: () => Promise<unknown>) => void acts.set(method, act);
  return { store: wrap(store, ''), before };
}

/** Creates the parts of the service on a store in memory, with a clock that only the test and `pause` move. */
export async function openParts(given: { store?: UsersStore; derive?: Derive } = {}) {
  const time = { at: Date.parse('2030-01-01T00:00:00Z') };
  const clock = () => time.at;
  const warnings: object[] = [];
  const log = { warn: (facts: object) => void warnings.push(facts) };
  const { store, before } = interruptible(given.store ?? (await openStore('sqlite::memory:')));
  const passwords = cheapPasswords(given.derive);
  const checkPassword = createPasswordCheck(store, passwords, clock);
  const keys = createSigningKeys(store, clock);
  const metrics = createMetrics('users', 'test');
  const counts = createCounts(metrics);
  const administrators = createAdministrators(store);
  const accounts = createAccounts({ store, passwords, checkPassword, administrators, counts });
  const pause = async (ms: number) => {
    time.at += ms;
  };
  const sessions = createSessions({ store, passwords, checkPassword, keys, log, counts, clock, pause });
  return {
    ...{ time, warnings, store, passwords, checkPassword, keys, counts, metrics },
    ...{ administrators, accounts, sessions, before },
  };
}

export const admin = { email: 'admin@example.com', password: 'the admin password' };

/**
 * Builds the users service. No reporting service receives its events.
 *
 * @param lines receives the lines of the log
 * @param wrapStore wraps the store that the service uses
 */
export async function startUsers(
  env: Record<string, string> = {},
  lines: string[] = [],
  wrapStore: (store: UsersStore) => UsersStore = (store) => store,
) {
  const settings = {
    STORE_URL: 'sqlite::memory:',
    REPORTING_URL: 'http://127.0.0.1:9',
    ADMIN_EMAIL: admin.email,
    ADMIN_PASSWORD: admin.password,
    LOG_LEVEL: 'info',
    ...env,
  };
  const definition = { ...users, openStore: async () => wrapStore(await openStore(settings.STORE_URL)) };
  const logTo = { write: (line: string) => void lines.push(line) };
  const { app, store } = await buildTestService(definition, settings, { logTo });

  type Request = { body?: object; token?: string; headers?: Record<string, string> };
  const send = async (
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    request: Request = {},
  ) => {
    const { body, token, headers } = request;
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const {
      statusCode,
      headers: answered,
      payload,
    } = await app.inject({
      method,
      url,
      headers: { ...authorization, ...headers },
      ...(body && { payload: body }),
    });
    return { status: statusCode, headers: answered, body: payload === '' ? undefined : JSON.parse(payload) };
  };
  const logIn = async (email: string, password: string) =>
    (await send('POST', '/api/v1/sessions', { body: { email, password } })).body;
  let people = 0;

  return {
    app,
    store,
    send,
    logIn,
    /** Signs a person up and logs them in. */
    async newPerson(name = 'Ada') {
      people += 1;
      const credentials = { email: `person-${people}@example.com`, password: `password of ${people}` };
      const { body: user } = await send('POST', '/api/v1/users', { body: { ...credentials, name } });
      const { accessToken, refreshToken } = await logIn(credentials.email, credentials.password);
      return { ...credentials, user, token: accessToken as string, refreshToken: refreshToken as string };
    },
    async adminToken(): Promise<string> {
      return (await logIn(admin.email, admin.password)).accessToken;
    },
  };
}
