import { randomBytes } from 'node:crypto';
import type { Problem } from '@slipway/contract-kit/problem';
import {
  type Invoice,
  importUsage,
  listInvoices,
  type Payment,
  payInvoice,
  refundPayment,
  type Subscription,
  subscribe,
} from '@slipway/contracts/billing';
import { deleteMe, signUp } from '@slipway/contracts/users';
import { anonymous, type Call, inParallel, logIn } from '../client.ts';
import { percentOf } from './expected.ts';
import { linesOf, type Participant, usageOf } from './participants.ts';

/** A person with an account and a subscription. */
export type Person = Participant & { call: Call; password: string; subscription: Subscription };

/** Reports the progress of a step. */
export type Count = (done: number, all: number) => void;

/** Maximum concurrency: a password hash costs the service 19 MiB and a thread, an import a connection. */
const atOnce = { signUps: 3, imports: 2, others: 8 };

/** Signs people up, logs them in and subscribes them. */
export async function join(
  base: string,
  participants: Participant[],
  count: Count,
  stopping: AbortSignal,
): Promise<Person[]> {
  let done = 0;
  return inParallel(participants, atOnce.signUps, async (participant) => {
    const { name, plan } = participant;
    const account = { email: `${name}@example.com`, password: randomBytes(18).toString('base64url') };
    // If the response to a sign-up was lost, the retry finds the account.
    await anonymous(base, stopping)(signUp, { body: { ...account, name } }).catch(unless('email_taken'));
    const call = await logIn(base, account, stopping);
    const subscription = await call(subscribe, { body: { planId: plan.id } }, { key: `${name}-subscribe` });
    count(++done, participants.length);
    return { ...participant, call, password: account.password, subscription };
  });
}

/**
 * Sends the usage as one stream of lines per person, without buffering it in memory.
 *
 * @param share the share of each person's records to send, from the first on
 */
export async function sendUsage(people: Person[], count: Count, share = 1) {
  const parts = people.map((person) => ({ ...person, records: Math.ceil(person.records * share) }));
  const all = parts.reduce((sum, { records }) => sum + records, 0);
  const total = { sent: all, accepted: 0, duplicates: 0, rejected: 0 };
  let sent = 0;
  const lines = function* (person: Person) {
    for (const line of linesOf(usageOf(person, person.subscription))) {
      count(++sent, all);
      yield line;
    }
  };
  await inParallel(parts, atOnce.imports, async (person) => {
    const answer = await person.call(importUsage, {}, { lines: () => lines(person) });
    total.accepted += answer.accepted;
    total.duplicates += answer.duplicates;
    total.rejected += answer.rejected;
  });
  return total;
}

/** Deletes an account, which bills the current month. Returns `false` if an invoice must be paid first. */
export async function leave({ call, password }: Person): Promise<boolean> {
  const owing = await call(deleteMe, { body: { currentPassword: password } }).then(
    () => undefined,
    unless('invoices_open', 'owing' as const),
  );
  return owing === undefined;
}

/** Tries to delete all accounts, and reads the invoices that this issues. */
export async function bill(
  people: Person[],
): Promise<{ person: Person; hasLeft: boolean; invoices: Invoice[] }[]> {
  return inParallel(people, atOnce.others, async (person) => {
    const hasLeft = await leave(person);
    const query = { subscriptionId: person.subscription.id };
    return { person, hasLeft, invoices: (await person.call(listInvoices, { query })).items };
  });
}

/** Pays an invoice, with one payment method after the other. Late responses and connection errors are retried. */
export async function pay({ name, call, methods }: Person, invoice: Invoice): Promise<Payment | undefined> {
  for (const method of methods) {
    const request = { params: { invoiceId: invoice.id }, body: { method } };
    const payment = await call(payInvoice, request, { key: `${name}-${method}` }).catch(
      unless('payment_declined'),
    );
    if (payment) return payment;
  }
  return undefined;
}

/** Refunds a person's share of a payment. Returns the amount; 0n if there is no refund. */
export async function refund(person: Person, payment: Payment, total: bigint, admin: Call): Promise<bigint> {
  const amount = percentOf(total, person.refundPercent);
  if (amount === 0n) return 0n;
  const request = { params: { paymentId: payment.id }, body: { amount: Number(amount) } };
  await admin(refundPayment, request, { key: `${person.name}-refund` });
  return amount;
}

function unless<T = undefined>(code: string, instead?: T) {
  return (error: Problem) => {
    if (error.code !== code) throw error;
    return instead;
  };
}
