import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Caller, startBilling } from '../testing/service.ts';
import { stores } from '../testing/stores.ts';

describe.each(stores)('invoices, payments and the ledger over HTTP, on $name', ({ newSettings }) => {
  let service: Awaited<ReturnType<typeof startBilling>>;
  let ann: Caller;
  let bob: Caller;
  let admin: Caller;
  let invoiceId: string;
  beforeAll(async () => {
    service = await startBilling({ ...newSettings(), BILLING_TEST_CLOCK: 'true' });
    ann = await service.callerFor('ann', 'member');
    bob = await service.callerFor('bob', 'member');
    admin = await service.callerFor('root', 'admin');
  });
  afterAll(() => service.stop());

  let keys = 0;
  const newKey = () => `k${++keys}`;
  const afterDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  const runBilling = (asOf: string) => admin('POST', '/billing-runs', { body: { asOf } });
  beforeEach(async () => {
    const { body } = await ann('POST', '/subscriptions', { body: { planId: 'starter' }, key: newKey() });
    await runBilling(afterDays(32));
    invoiceId = `${body.id}.1`;
  });

  const pay = (method = 'pm_ok', key = newKey(), caller = ann) =>
    caller('POST', `/invoices/${invoiceId}/payments`, { body: { method }, key });
  const refund = (paymentId: string, amount: unknown, key = newKey(), caller = admin) =>
    caller('POST', `/payments/${paymentId}/refunds`, { body: { amount }, key });
  const invoice = async () => (await ann('GET', `/invoices/${invoiceId}`)).body;

  it('shows an invoice without its inner workings', async () => {
    expect(Object.keys(await invoice()).sort()).toEqual(
      [
        ...['currency', 'id', 'issuedAt', 'lines', 'periodEnd', 'periodStart', 'planId'],
        ...['status', 'subscriptionId', 'total', 'userId'],
      ].sort(),
    );
  });

  it('filters invoices by status and subscription', async () => {
    await pay();
    const [subscriptionId] = invoiceId.split('.');
    const list = async (query: string) =>
      (await ann('GET', `/invoices?${query}`)).body.items.map(({ id }: { id: string }) => id);
    expect(await list(`subscriptionId=${subscriptionId}`)).toEqual([invoiceId]);
    expect(await list(`subscriptionId=${subscriptionId}&status=open`)).toEqual([]);
    expect(await list('status=paid&limit=200')).toContain(invoiceId);
  });

  it("hides another person's invoices and payments", async () => {
    const { body: payment } = await pay();
    for (const [method, path, body] of [
      ['GET', `/invoices/${invoiceId}`, undefined],
      ['POST', `/invoices/${invoiceId}/payments`, { method: 'pm_ok' }],
      ['GET', `/payments/${payment.id}`, undefined],
    ] as const) {
      expect(await bob(method, path, { body, key: newKey() })).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
    }
    expect((await bob('GET', '/invoices')).body.items).toEqual([]);
    expect(await bob('GET', '/invoices?all=true')).toMatchObject({ status: 403 });
    expect(await admin('GET', `/invoices/${invoiceId}`)).toMatchObject({ status: 200 });
    expect((await admin('GET', '/invoices?all=true')).body.items[0].userId).toBe('ann');
  });

  it('runs billing for administrators only, and says how far it got', async () => {
    expect(await ann('POST', '/billing-runs', { body: {} })).toMatchObject({ status: 403 });
    const now = await admin('POST', '/billing-runs', { body: {} });
    expect(now).toMatchObject({
      status: 200,
      body: { issued: 0, subscriptions: 0, failed: 0, complete: true },
    });
    await ann('POST', '/subscriptions', { body: { planId: 'pro' }, key: newKey() });
    expect((await runBilling(afterDays(32))).body).toMatchObject({ issued: 1, subscriptions: 1 });
  });

  it('is paid once, and the answer repeats', async () => {
    const first = await pay('pm_ok', 'pay-once');
    expect(first).toMatchObject({ status: 201, body: { status: 'succeeded', amount: 1_900, invoiceId } });
    expect(await pay('pm_ok', 'pay-once')).toMatchObject({ status: 201, body: first.body });
    expect(await pay()).toMatchObject({ status: 409, body: { code: 'invoice_not_payable' } });
    expect((await invoice()).status).toBe('paid');
    expect((await ann('GET', `/payments/${first.body.id}`)).body).toEqual(first.body);
  });

  it('is open again after a decline', async () => {
    expect(await pay('pm_decline')).toMatchObject({ status: 402, body: { code: 'payment_declined' } });
    expect((await invoice()).status).toBe('open');
    expect(await pay()).toMatchObject({ status: 201 });
  });

  it('is unconfirmed if the provider stays silent; the same key gets the result', async () => {
    const key = newKey();
    const first = await pay('pm_late', key);
    expect(first).toMatchObject({
      status: 503,
      headers: { 'retry-after': '2' },
      body: { code: 'payment_unconfirmed' },
    });
    expect((await invoice()).status).toBe('paying');
    expect(await pay()).toMatchObject({ status: 409, body: { code: 'invoice_not_payable' } });
    expect(await pay('pm_late', key)).toMatchObject({ status: 201, body: { status: 'succeeded' } });
  });

  it('that is unconfirmed is not paid by another method with the same key', async () => {
    const key = newKey();
    expect((await pay('pm_late', key)).status).toBe(503);
    expect(await pay('pm_ok', key)).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    expect(await pay('pm_late', key)).toMatchObject({ status: 201 });
  });

  it.each([
    [{}, 'body.method'],
    [{ method: '' }, 'body.method'],
    [{ method: 5 }, 'body.method'],
    [{ method: 'pm_ok', amount: 1 }, 'body.amount'],
  ])('is not paid with %j', async (body, field) => {
    expect(await ann('POST', `/invoices/${invoiceId}/payments`, { body, key: newKey() })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ field }] },
    });
    expect((await invoice()).status).toBe('open');
  });

  it('gives back by an administrator, up to what was paid', async () => {
    const { body: payment } = await pay();
    expect(await refund(payment.id, 100, newKey(), ann)).toMatchObject({ status: 403 });
    const first = await refund(payment.id, 1_000, 'refund-once');
    expect(first).toMatchObject({ status: 201, body: { status: 'succeeded', amount: 1_000 } });
    expect((await refund(payment.id, 1_000, 'refund-once')).body).toEqual(first.body);
    expect(await refund(payment.id, 901)).toMatchObject({
      status: 422,
      body: { code: 'refund_exceeds_payment', errors: [{ field: 'body.amount' }] },
    });
    expect((await ann('GET', `/payments/${payment.id}`)).body).toMatchObject({
      refunded: 1_000,
      refunds: [{ id: first.body.id }],
    });
  });

  it.each([0, -5, 1.5, '100', null, 9_007_199_254_740_992])('does not give back %j', async (amount) => {
    const { body: payment } = await pay();
    expect(await refund(payment.id, amount)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ field: 'body.amount' }] },
    });
  });

  it('finds no payment that does not exist', async () => {
    expect(await ann('GET', '/payments/nothing')).toMatchObject({ status: 404 });
    expect(await refund('nothing', 1)).toMatchObject({ status: 404 });
  });

  it('keeps a ledger that balances, page by page, for administrators only', async () => {
    const { body: payment } = await pay();
    await refund(payment.id, 300);
    const { body } = await admin('GET', '/ledger/balance');
    expect(body.balanced).toBe(true);
    const refunds = body.accounts.find(({ account }: { account: string }) => account === 'refunds');
    expect(refunds.balance).toBeGreaterThanOrEqual(300);

    let next = '';
    let cash = 0;
    do {
      const page = await admin('GET', `/ledger/entries?limit=3${next && `&cursor=${next}`}`);
      for (const { postings } of page.body.items) {
        for (const { account, amount } of postings) if (account === 'cash') cash += amount;
      }
      next = page.body.next ?? '';
    } while (next);
    expect(cash).toBe(body.accounts.find(({ account }: { account: string }) => account === 'cash').balance);
    for (const path of ['/ledger/balance', '/ledger/entries']) {
      expect(await ann('GET', path)).toMatchObject({ status: 403 });
    }
  });
});

describe('a billing run without the test clock', () => {
  it('bills nothing that is still to come', async () => {
    const service = await startBilling();
    const admin = await service.callerFor('root', 'admin');
    const asOf = new Date(Date.now() + 86_400_000).toISOString();
    for (const [given, code] of [
      [asOf, 'invalid_request'],
      ['soon', 'invalid_request'],
    ]) {
      expect(await admin('POST', '/billing-runs', { body: { asOf: given } })).toMatchObject({
        status: 400,
        body: { code, errors: [{ field: 'body.asOf' }] },
      });
    }
    await service.stop();
  });
});
