import { randomUUID } from 'node:crypto';
import {
  importUsage,
  listInvoices,
  payInvoice,
  refundPayment,
  runBilling,
  subscribe,
} from '@slipway/contracts/billing';
import { logIn, signUp } from '@slipway/contracts/users';
import { expect } from 'vitest';
import { sendLines } from '../support/http.ts';
import { eventually } from '../support/people.ts';
import { persist } from '../support/persist.ts';

/** The changes acknowledged to a customer: each must exist exactly once at the end. */
export type Acknowledged = {
  subscriptionId: string;
  invoiceId: string;
  usage: number;
  paid: number;
  refunded: number;
};

/** Settings of a system for many customers at one address. */
export const unlimited = { RATE_LIMIT: '1000000', RATE_LIMIT_SIGN_IN: '1000000' };

/**
 * Has three customers at a time come to the system, one after another, until `trouble` is over. Adds to `told` what each
 * was told, and resolves when the last has been answered.
 */
export async function whileCustomersCome(
  { base, admin, told }: { base: string; admin: string; told: Acknowledged[] },
  trouble: () => Promise<void>,
): Promise<void> {
  const asOf = new Date(Date.now() + 32 * 86_400_000).toISOString();
  let over = false;
  const customers = async () => {
    while (!over) told.push(await playCustomer(base, admin, asOf));
  };
  const all = Promise.all([customers(), customers(), customers()]);
  // A customer may fail before the trouble is over, when nobody waits for it yet.
  all.catch(() => {});
  try {
    await trouble();
  } finally {
    over = true;
    await all;
  }
}

/** Plays one customer from sign-up to a refund; every request is repeated until it is answered for good. */
async function playCustomer(base: string, admin: string, asOf: string): Promise<Acknowledged> {
  const token = await join(base);
  const subscription = await persist(
    base,
    subscribe,
    { body: { planId: 'starter' } },
    { token, key: randomUUID() },
  );
  expect(subscription.status).toBe(201);
  const subscriptionId = subscription.body.id;
  const usage = await sendUsage(base, token, subscriptionId);

  await bill(base, admin, asOf);
  const { body: invoices } = await persist(base, listInvoices, { query: { subscriptionId } }, { token });
  const invoiceId = invoices.items[0]?.id ?? 'none';

  const pay = { params: { invoiceId }, body: { method: 'pm_ok' } };
  const payment = await persist(base, payInvoice, pay, { token, key: randomUUID() });
  expect(payment).toMatchObject({ status: 201, body: { status: 'succeeded' } });

  const giveBack = { params: { paymentId: payment.body.id }, body: { amount: 1 } };
  const refund = await persist(base, refundPayment, giveBack, { token: admin, key: randomUUID() });
  expect(refund).toMatchObject({ status: 201 });
  return { subscriptionId, invoiceId, usage, paid: payment.body.amount, refunded: 1 };
}

async function join(base: string): Promise<string> {
  const body = { email: `${randomUUID()}@example.com`, password: `pass ${randomUUID()}`, name: 'Ada' };
  const account = await persist(base, signUp, { body });
  // 409: an earlier attempt had made the account, and its answer was lost.
  expect([201, 409]).toContain(account.status);
  const tokens = await persist(base, logIn, { body: { email: body.email, password: body.password } });
  expect(tokens.status).toBe(201);
  return tokens.body.accessToken;
}

/** Repeats the billing run until it has billed all that is due: one that meets a fault may leave some for the next. */
async function bill(base: string, token: string, asOf: string): Promise<void> {
  const billed = async () => {
    const { status, body } = await persist(base, runBilling, { body: { asOf } }, { token });
    return status === 200 && body.complete && body.failed === 0;
  };
  await eventually('all that is due is billed', billed, 60_000);
}

const records = 500;

/** Sends the same lines until one import is answered; returns the quantity that must be counted. */
async function sendUsage(base: string, token: string, subscriptionId: string): Promise<number> {
  const at = new Date().toISOString();
  const lines = Array.from({ length: records }, (_, n) =>
    JSON.stringify({ id: `${subscriptionId}-${n}`, subscriptionId, metric: 'api_calls', quantity: 3, at }),
  ).map((line) => `${line}\n`);
  const end = Date.now() + 60_000;
  for (;;) {
    const answer = await sendLines(base, importUsage, lines, token).catch(() => undefined);
    if (answer?.status === 200) {
      expect(answer.body).toMatchObject({ rejected: 0, errors: [] });
      expect(answer.body.accepted + answer.body.duplicates).toBe(records);
      return records * 3;
    }
    if (Date.now() > end) throw new Error(`The import was never answered: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
