import { randomUUID } from 'node:crypto';
import {
  getTrialBalance,
  getUnbilledUsage,
  importUsage,
  listInvoices,
  listPlans,
  type Plan,
  payInvoice,
  recordUsage,
  refundPayment,
  runBilling,
  subscribe,
} from '@slipway/contracts/billing';
import { getRecurring, getRevenue, getTopUsage, rebuild } from '@slipway/contracts/reporting';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ok, send, sendLines } from '../support/http.ts';
import { eventually, newPerson, type Person } from '../support/people.ts';
import { journey } from '../support/suites.ts';
import type { Target } from '../support/target.ts';

journey('a subscription from its start to the reports', (open) => {
  let target: Target;
  let admin: string;
  let person: Person;
  let plan: Plan;
  let subscriptionId: string;
  let usage = 0;

  beforeAll(async () => {
    target = await open();
    admin = await target.adminToken();
    person = await newPerson(target.base);
    const { items } = await ok(target.base, listPlans, {});
    plan = items.find(({ id }) => id === 'starter') as Plan;
  });
  afterAll(() => target.close());

  it('starts once, however often the request is sent', async () => {
    const key = randomUUID();
    const send20 = Array.from({ length: 20 }, () =>
      send(target.base, subscribe, { body: { planId: plan.id } }, { token: person.token, key }),
    );
    const answers = await Promise.all(send20);
    const made = answers.filter(({ status }) => status === 201);
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true);
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(1);
    subscriptionId = made[0]?.body.id ?? '';

    const other = await send(
      target.base,
      subscribe,
      { body: { planId: 'free' } },
      { token: person.token, key },
    );
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  });

  it('counts each usage record once, whether it is sent alone or in a stream', async () => {
    const at = new Date().toISOString();
    const record = { id: `${subscriptionId}-0`, subscriptionId, metric: 'api_calls', quantity: 7, at };
    expect(await ok(target.base, recordUsage, { body: record }, { token: person.token })).toMatchObject({
      duplicate: false,
    });
    const lines = function* () {
      for (let n = 0; n <= 3_000; n++) {
        yield `${JSON.stringify({ ...record, id: `${subscriptionId}-${n}`, quantity: 7 })}\n`;
      }
      yield 'not json\n';
    };
    const first = await sendLines(target.base, importUsage, lines(), person.token);
    expect(first.body).toMatchObject({ accepted: 3_000, duplicates: 1, rejected: 1 });
    const again = await sendLines(target.base, importUsage, lines(), person.token);
    expect(again.body).toMatchObject({ accepted: 0, duplicates: 3_001, rejected: 1 });

    usage = 3_001 * 7;
    const params = { subscriptionId };
    const { items } = await ok(target.base, getUnbilledUsage, { params }, { token: person.token });
    expect(items).toEqual([{ metric: 'api_calls', quantity: usage, records: 3_001 }]);
  });

  it('issues one invoice per period, with the amount that the plan defines', async () => {
    const asOf = new Date(Date.now() + 32 * 86_400_000).toISOString();
    const runs = [1, 2, 3].map(() => ok(target.base, runBilling, { body: { asOf } }, { token: admin }));
    await Promise.all(runs);
    const { items } = await ok(
      target.base,
      listInvoices,
      { query: { subscriptionId } },
      { token: person.token },
    );
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({
      status: 'open',
      currency: plan.currency,
      total: plan.price + usageFee(plan, usage),
    });
  });

  it('leaves a declined payment out of the ledger, is paid once, and is refunded in part', async () => {
    const { token } = person;
    const { items } = await ok(target.base, listInvoices, { query: { subscriptionId } }, { token });
    const params = { invoiceId: items[0]?.id ?? '' };
    const declined = await send(
      target.base,
      payInvoice,
      { params, body: { method: 'pm_decline' } },
      { token, key: randomUUID() },
    );
    expect(declined).toMatchObject({ status: 402, body: { code: 'payment_declined' } });

    const key = randomUUID();
    const payment = await ok(target.base, payInvoice, { params, body: { method: 'pm_ok' } }, { token, key });
    const replayed = await ok(target.base, payInvoice, { params, body: { method: 'pm_ok' } }, { token, key });
    expect(replayed).toEqual(payment);
    const twice = await send(
      target.base,
      payInvoice,
      { params, body: { method: 'pm_ok' } },
      { token, key: randomUUID() },
    );
    expect(twice).toMatchObject({ status: 409, body: { code: 'invoice_not_payable' } });

    const refund = { params: { paymentId: payment.id }, body: { amount: 100 } };
    await ok(target.base, refundPayment, refund, { token: admin, key: randomUUID() });
    const tooMuch = { params: { paymentId: payment.id }, body: { amount: payment.amount } };
    expect(
      await send(target.base, refundPayment, tooMuch, { token: admin, key: randomUUID() }),
    ).toMatchObject({
      status: 422,
      body: { code: 'refund_exceeds_payment' },
    });
    expect(await ok(target.base, getTrialBalance, {}, { token: admin })).toMatchObject({ balanced: true });
  });

  it('appears in reports that agree with the invoices', async () => {
    const expected = { planId: plan.id, currency: plan.currency, refunded: 100 };
    const row = await eventually('the revenue of the journey is reported', async () => {
      const { items } = await ok(target.base, getRevenue, { query: { by: 'month' } }, { token: admin });
      return items.find(({ planId, refunded }) => planId === plan.id && refunded >= 100);
    });
    expect(row).toMatchObject({ ...expected, refunded: expect.any(Number), net: row.paid - row.refunded });
    const recurring = await ok(target.base, getRecurring, {}, { token: admin });
    expect(recurring.items.find(({ planId }) => planId === plan.id)?.active).toBeGreaterThanOrEqual(1);
    const top = await ok(
      target.base,
      getTopUsage,
      { query: { metric: 'api_calls', limit: 200 } },
      { token: admin },
    );
    expect(top.items.find((item) => item.subscriptionId === subscriptionId)).toMatchObject({
      quantity: usage,
    });
    expect(await ok(target.base, rebuild, {}, { token: admin })).toMatchObject({ equal: true });
  });
});

/** Computes the usage fee of an invoice from the plan, in exact arithmetic. */
function usageFee(plan: Plan, quantity: number): number {
  const meter = plan.meters.find(({ metric }) => metric === 'api_calls');
  if (!meter) return 0;
  const beyond = BigInt(Math.max(0, quantity - meter.included)) * BigInt(meter.price);
  const [whole, rest] = [beyond / BigInt(meter.per), beyond % BigInt(meter.per)];
  return Number(rest * 2n >= BigInt(meter.per) ? whole + 1n : whole);
}
