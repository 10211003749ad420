import { billing } from '@slipway/billing/app';
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
import { gateway } from '@slipway/gateway/app';
import type { App } from '@slipway/platform/core/app';
import { toCursor } from '@slipway/platform/core/pagination';
import { buildTestService, serviceToken } from '@slipway/platform/testing/service';
import { reporting } from '@slipway/reporting/app';
import { users } from '@slipway/users/app';
import { type Answer, call, type Parts } from './call.ts';
import type { Known } from './values.ts';

export type Service = Awaited<ReturnType<typeof startServices>>['users'];

const password = 'password of a person';
const admin = { email: 'admin@example.com', password: 'password of the administrator' };
/** Milliseconds after which a person logs in again: half of what an access token is valid for. */
const loginAge = 120_000;

/**
 * Starts all four services in this process, on embedded stores and wired as in production. `renew` makes one of everything
 * in billing: subscriptions, invoices, a payment.
 */
export async function startServices() {
  const apps: App[] = [];
  const listen = async ({ app }: { app: App }) => {
    apps.unshift(app);
    return { app, url: await app.listen({ port: 0, host: '127.0.0.1', listenTextResolver: () => '' }) };
  };
  // Reporting needs users, and users reporting: it is told of the events later than the tests last.
  const nowhere = 'http://127.0.0.1:9';
  const ofUsers = await listen(
    await buildTestService(users, {
      REPORTING_URL: nowhere,
      ADMIN_EMAIL: admin.email,
      ADMIN_PASSWORD: admin.password,
    }),
  );
  const ofReporting = await listen(await buildTestService(reporting, { USERS_URL: ofUsers.url }));
  const ofBilling = await listen(
    await buildTestService(billing, {
      USERS_URL: ofUsers.url,
      REPORTING_URL: ofReporting.url,
      BILLING_TEST_CLOCK: 'true',
      PROVIDER_TIMEOUT_MS: '100',
    }),
  );
  const ofGateway = await listen(
    await buildTestService(gateway, {
      USERS_URL: ofUsers.url,
      BILLING_URL: ofBilling.url,
      REPORTING_URL: ofReporting.url,
      RATE_LIMIT: '1000000',
      RATE_LIMIT_SIGN_IN: '1000000',
    }),
  );

  const { person, authorizationFor } = await createPeople(ofUsers.app);

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
  const inBilling = service(ofBilling, known);
  return {
    users: service(ofUsers, known),
    billing: inBilling,
    reporting: service(ofReporting, known),
    gateway: service(ofGateway, known),
    renew: async () => void Object.assign(known, await furnish(inBilling.send)),
    async stop() {
      for (const app of apps) await app.close();
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
