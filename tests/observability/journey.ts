/** The journey of customers that telemetry is compared with: it counts every action and collects every secret. */
import { randomUUID } from 'node:crypto';
import type { Operation, Output } from '@slipway/contract-kit/operation';
import {
  listInvoices,
  payInvoice,
  recordUsage,
  refundPayment,
  runBilling,
  subscribe,
} from '@slipway/contracts/billing';
import { getRevenue } from '@slipway/contracts/reporting';
import { getMe, logIn, refresh, signUp } from '@slipway/contracts/users';
import { type Answer, send } from '../support/http.ts';
import { eventually } from '../support/people.ts';
import type { System } from '../support/system.ts';

export type Journey = {
  /** How often each request was answered how, such as `POST /api/v1/users 201`. */
  requests: Map<string, number>;
  /** Passwords, tokens, e-mail addresses, names, ids of usage: what nothing may ever show. */
  secrets: string[];
  /** Paid in all, minor units. */
  paid: number;
  /** Of the sign-up of the first customer. */
  correlationId: string;
};

type Client = <Op extends Operation>(...args: Arguments<Op>) => Promise<Answer<Output<Op>>>;
type Arguments<Op extends Operation> =
  Parameters<typeof send<Op>> extends [string, ...infer Rest] ? Rest : never;

/** Three customers sign up and subscribe; two pay, one of them at the second try; one gets some of it back. */
export async function walkJourney({
  base,
  admin,
  serviceToken,
}: Pick<System, 'base' | 'admin' | 'serviceToken'>): Promise<Journey> {
  const requests = new Map<string, number>();
  const secrets = [admin.email, admin.password, serviceToken];
  const call: Client = async (operation, ...rest) => {
    const answer = await send(base, operation, ...rest);
    const key = `${operation.method} ${operation.url} ${answer.status}`;
    requests.set(key, (requests.get(key) ?? 0) + 1);
    return answer;
  };
  const correlationId = `journey-${randomUUID()}`;
  const customers = [
    await newCustomer(call, secrets, correlationId),
    await newCustomer(call, secrets),
    await newCustomer(call, secrets),
  ];
  const { body: tokens } = await call(logIn, { body: admin });
  secrets.push(tokens.accessToken, tokens.refreshToken);
  await call(logIn, { body: { email: admin.email, password: 'not the password' } });
  await call(getMe, {});

  const asOf = new Date(Date.now() + 32 * 86_400_000).toISOString();
  await call(runBilling, { body: { asOf } }, { token: tokens.accessToken });
  const [first = '', second = ''] = customers;
  await pay(call, first, 'pm_decline');
  const payment = await pay(call, first, 'pm_ok');
  const other = await pay(call, second, 'pm_ok');
  const refunded = async () => {
    const { body } = await call(getRevenue, { query: { by: 'month' } }, { token: tokens.accessToken });
    return body.items.reduce((sum, month) => sum + month.refunded, 0);
  };
  const before = await refunded();
  const refund = { params: { paymentId: payment.id }, body: { amount: 100 } };
  await call(refundPayment, refund, { token: tokens.accessToken, key: randomUUID() });
  await eventually('the refund is reported', async () => (await refunded()) >= before + 100);
  return { requests, secrets, paid: payment.amount + other.amount, correlationId };
}

/** Signs up, logs in, subscribes and uses something; gives the token. */
async function newCustomer(call: Client, secrets: string[], correlationId?: string): Promise<string> {
  const id = randomUUID();
  const [email, password, name] = [`quentin-${id}@example.com`, `secret ${id}`, `Quentin ${id}`];
  const headers = correlationId ? { 'x-correlation-id': correlationId } : undefined;
  await call(signUp, { body: { email, password, name }, headers });
  const { body: old } = await call(logIn, { body: { email, password } });
  const { body: tokens } = await call(refresh, { body: { refreshToken: old.refreshToken } });
  const token = tokens.accessToken;
  const { body: subscription } = await call(
    subscribe,
    { body: { planId: 'starter' } },
    { token, key: randomUUID() },
  );
  const record = { id: `usage-${id}`, subscriptionId: subscription.id, metric: 'api_calls', quantity: 7 };
  await call(recordUsage, { body: { ...record, at: new Date().toISOString() } }, { token });
  secrets.push(
    email,
    password,
    name,
    old.accessToken,
    old.refreshToken,
    token,
    tokens.refreshToken,
    record.id,
  );
  return token;
}

async function pay(call: Client, token: string, method: string) {
  const { body } = await call(listInvoices, {}, { token });
  const params = { invoiceId: body.items[0]?.id ?? '' };
  return (await call(payInvoice, { params, body: { method } }, { token, key: randomUUID() })).body;
}
