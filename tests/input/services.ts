import type { Operation } from '@slipway/contract-kit/operation';
import {
  importUsage,
  listInvoices,
  listPlans,
  payInvoice,
  runBilling,
  subscribe,
} from '@slipway/contracts/billing';
import { logIn, signUp } from '@slipway/contracts/users';
import type { App } from '@slipway/platform/core/app';
import { toCursor } from '@slipway/platform/core/pagination';
import { buildTestService, serviceToken } from '@slipway/platform/testing/service';
import { addressesOf, type ServiceName, serviceNames, stopOrder } from '../../scripts/system.ts';
import { definitions } from '../support/definitions.ts';
import { type Answer, call, type Parts } from './call.ts';
import type { Known } from './values.ts';

export type Service = Awaited<ReturnType<typeof startServices>>['users'];

const password = 'password of a person';
const admin = { email: 'admin@example.com', password: 'password of the administrator' };
/** Milliseconds after which a person logs in again: half of what an access token is valid for. */
const loginAge = 120_000;

/** Settings that one service alone has. */
const ownSettings: Partial<Record<ServiceName, Record<string, string>>> = {
  users: { ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password },
  billing: { BILLING_TEST_CLOCK: 'true', PROVIDER_TIMEOUT_MS: '100' },
  gateway: { RATE_LIMIT: '1000000', RATE_LIMIT_SIGN_IN: '1000000' },
};

type Listening = { app: App; url: string };

/** Starts every service in this process, on an embedded store. A service starts after those it calls. */
async function listenAll(): Promise<Record<ServiceName, Listening>> {
  // All read the keys of users. Users itself is told of a reporting that is not there: its events are never delivered.
  const others = stopOrder.flat().toReversed();
  const order = new Set<ServiceName>(['users', ...others]);
  const listening: Partial<Record<ServiceName, Listening>> = {};
  const nowhere = 'http://127.0.0.1:9';
  for (const name of order) {
    const addresses = addressesOf(name).map((other) => [
      `${other.toUpperCase()}_URL`,
      listening[other]?.url ?? nowhere,
    ]);
    const env = { ...Object.fromEntries(addresses), ...ownSettings[name] };
    const { app } = await buildTestService(definitions[name], env);
    const url = await app.listen({ port: 0, host: '127.0.0.1', listenTextResolver: () => '' });
    listening[name] = { app, url };
  }
  return listening as Record<ServiceName, Listening>;
}

/**
 * Starts all services in this process, on embedded stores and wired as in production. `renew` makes one of everything in
 * billing: subscriptions, invoices, a payment.
 */
export async function startServices() {
  const listening = await listenAll();
  const { person, authorizationFor } = await createPeople(listening.users.app);

  function service({ app }: { app: App }, known: Known) {
    const send = async (operation: Operation, parts: Parts): Promise<Answer> => {
      const authorization = await authorizationFor(operation);
      return call(app, operation, { ...parts, headers: { authorization, ...parts.headers } });
    };
    const importLines = (text: string) =>
      send(importUsage, { body: text, headers: { 'content-type': 'application/x-ndjson' } });
    return { known, send, importLines };
  }

  const known: Known = {
    userId: [person.id],
    email: [person.email],
    password: [password],
    currentPassword: [password],
    'if-match': ['*'],
    cursor: cursors,
    method: ['pm_ok', 'pm_decline', 'pm_delay', 'pm_fail_once', 'pm_late'],
    metric: ['api_calls', 'storage_gb_hours'],
  };
  const services = Object.fromEntries(
    serviceNames.map((name) => [name, service(listening[name], known)]),
  ) as Record<ServiceName, ReturnType<typeof service>>;
  return {
    ...services,
    renew: async () => void Object.assign(known, await furnish(services.billing.send)),
    async stop() {
      for (const name of stopOrder.flat()) await listening[name].app.close();
    },
  };
}

/** Cursors as lists make them, and as they would be of items that cannot exist. */
const cursors = [
  ...[
    { at: new Date().toISOString(), id: 'a' },
    { at: '', id: '' },
    { at: '9', id: 'z' },
  ].map(toCursor),
  ...[
    { at: '\0', id: '\ud800' },
    { at: 'x'.repeat(200), id: '%' },
    { at: '__proto__', id: 'constructor' },
  ].map(toCursor),
];

/** Makes people in users, and logs them in when an operation needs one. */
async function createPeople(app: App) {
  const tokens = new Map<string, { token: string; at: number }>();
  let people = 0;
  let logins = 0;

  async function newPerson(): Promise<{ id: string; email: string }> {
    people += 1;
    const email = `person-${people}@example.com`;
    const { body } = await call(app, signUp, { body: { email, password, name: 'A Person' } });
    return { id: body.id, email };
  }

  async function tokenOf(credentials: { email: string; password: string }): Promise<string> {
    const known = tokens.get(credentials.email);
    if (known && performance.now() - known.at < loginAge) return known.token;
    logins += 1;
    // From an address of its own: wrong passwords that a test has sent do not count against it.
    const headers = { 'x-forwarded-for': `10.1.${Math.floor(logins / 250)}.${logins % 250}` };
    const { status, body } = await call(app, logIn, { body: credentials, headers });
    if (status !== 201) throw new Error(`${credentials.email} cannot log in: ${status} ${body.detail}`);
    tokens.set(credentials.email, { token: body.accessToken, at: performance.now() });
    return body.accessToken;
  }

  /** Operations that delete an account or send wrong passwords: each request uses a new account. */
  const sacrificed = new Set(['deleteMe', 'checkDeletion', 'changeMe', 'closeAccount']);
  const person = await newPerson();
  const caller = await newPerson();

  async function authorizationFor({ schema, config: { access } }: Operation): Promise<string> {
    if (access === 'service') return `Bearer ${serviceToken}`;
    if (access === 'admin') return `Bearer ${await tokenOf(admin)}`;
    const { email } = sacrificed.has(schema.operationId) ? await newPerson() : caller;
    return `Bearer ${await tokenOf({ email, password })}`;
  }

  return { person, authorizationFor };
}

/** Makes something of each kind in billing, and returns the ids by the names of what takes them. */
async function furnish(send: (operation: Operation, parts: Parts) => Promise<Answer>): Promise<Known> {
  const { items: plans } = (await send(listPlans, {})).body;
  const planIds = plans.map(({ id }: { id: string }) => id);
  const subscriptions: string[] = [];
  for (const planId of [...planIds, 'starter']) {
    subscriptions.push((await send(subscribe, { body: { planId } })).body.id);
  }
  const asOf = new Date(Date.now() + 32 * 86_400_000).toISOString();
  await send(runBilling, { body: { asOf } });
  const { items: invoices } = (await send(listInvoices, { query: {} })).body;
  const invoiceIds = invoices.map(({ id }: { id: string }) => id);
  const payments: string[] = [];
  for (const invoiceId of invoiceIds.slice(0, 2)) {
    const { body } = await send(payInvoice, { params: { invoiceId }, body: { method: 'pm_ok' } });
    if (body.id) payments.push(body.id);
  }
  return {
    subscriptionId: subscriptions,
    planId: planIds,
    invoiceId: invoiceIds,
    paymentId: payments,
    at: [new Date().toISOString(), asOf],
    asOf: [asOf],
  };
}
