import { problem } from '@slipway/contracts/errors';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Caller, startBilling } from '../testing/service.ts';
import { stores } from '../testing/stores.ts';

describe.each(stores)('closing an account over HTTP, on $name', ({ newSettings }) => {
  let service: Awaited<ReturnType<typeof startBilling>>;
  let admin: Caller;
  let ann: Caller;
  let bob: Caller;
  let subject: string;
  beforeAll(async () => {
    service = await startBilling(newSettings());
    admin = await service.callerFor('root', 'admin');
    bob = await service.callerFor('bob', 'member');
  });
  afterAll(() => service.stop());

  let count = 0;
  const newKey = () => `k${++count}`;
  beforeEach(async () => {
    subject = `ann-${++count}`;
    ann = await service.callerFor(subject, 'member');
  });
  const subscribe = async (planId: string, caller = ann) =>
    caller('POST', '/subscriptions', { body: { planId }, key: newKey() });
  const close = (caller = ann) => caller('POST', '/billing-account/close');
  const writeOff = (id: string, key = newKey(), caller = admin) =>
    caller('POST', `/invoices/${id}/write-off`, { body: { reason: 'Moved away' }, key });

  it('ends and bills its subscriptions, and names the open invoices while something is owed', async () => {
    const { body: paid } = await subscribe('pro');
    await subscribe('free');
    const other = await subscribe('pro', bob);
    const answer = await close();
    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'invoices_open', errors: [{ field: `invoices.${paid.id}.1` }] },
    });
    expect(answer.body.errors).toEqual([
      { field: `invoices.${paid.id}.1`, message: 'is open: 9900 in minor units of EUR' },
    ]);
    expect((await ann('GET', '/subscriptions?status=active')).body.items).toEqual([]);
    expect((await bob('GET', `/subscriptions/${other.body.id}`)).body.status).toBe('active');

    await ann('POST', `/invoices/${paid.id}.1/payments`, { body: { method: 'pm_ok' }, key: newKey() });
    expect((await close()).status).toBe(204);
    expect((await close()).status).toBe(204);
  });

  it('leaves its tokens nothing that changes something; others go on', async () => {
    const { body } = await subscribe('free');
    await close();
    const at = new Date().toISOString();
    const usage = { id: 'r1', subscriptionId: body.id, metric: 'api_calls', quantity: 1, at };
    const answers = await Promise.all([
      subscribe('free'),
      ann('PATCH', `/subscriptions/${body.id}`, { body: { planId: 'pro' } }),
      ann('POST', `/subscriptions/${body.id}/resume`),
      ann('POST', `/subscriptions/${body.id}/cancel`),
      ann('POST', '/subscriptions/cancel-all'),
      ann('POST', '/usage', { body: usage }),
      ann('POST', `/invoices/${body.id}.1/payments`, { body: { method: 'pm_ok' }, key: newKey() }),
    ]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    }
    expect((await ann('GET', `/subscriptions/${body.id}`)).status).toBe(200);
    expect((await subscribe('free', bob)).status).toBe(201);
  });

  it('also binds the tokens of an administrator who has left', async () => {
    const leaver = await service.callerFor(subject, 'member', 'admin');
    expect((await close(leaver)).status).toBe(204);
    expect((await leaver('POST', '/billing-runs', { body: {} })).status).toBe(401);
  });

  it('opens to a token that was issued later: the account was not deleted after all', async () => {
    await close();
    const later = await service.callerFor(subject, 'member');
    expect((await subscribe('free', later)).status).toBe(401);
    const closedAt = Date.now() - 60_000;
    const other = `${subject}-stayed`;
    await service.store.closedAccounts.close(other, new Date(closedAt).toISOString());
    const fresh = await service.callerIssuedAt(new Date(), other, 'member');
    expect((await subscribe('free', fresh)).status).toBe(201);
    const old = await service.callerIssuedAt(new Date(closedAt + 4_000), other, 'member');
    expect((await subscribe('free', old)).status).toBe(401);
  });

  it('leaves no subscription that began at the same moment', async () => {
    const all = await Promise.all([...Array.from({ length: 8 }, () => subscribe('free')), close(), close()]);
    expect(all.every(({ status }) => [201, 204, 401].includes(status))).toBe(true);
    expect((await ann('GET', '/subscriptions?status=active')).body.items).toEqual([]);
  });

  it('leaves a subscription in force if the store fails before it says whether the account is closed', async () => {
    const other = await startBilling(newSettings());
    const answers = [() => Promise.resolve(undefined), () => Promise.reject(problem('unavailable'))];
    vi.spyOn(other.store.closedAccounts, 'closedAt').mockImplementation(async () => answers.shift()?.());
    const caller = await other.callerFor(subject, 'member');
    const again = () => caller('POST', '/subscriptions', { body: { planId: 'free' }, key: 'once' });
    expect((await again()).status).toBe(503);
    expect(await again()).toMatchObject({ status: 201, body: { status: 'active' } });
    await other.stop();
  });

  it('is possible after an administrator has written the invoices off, once for a key', async () => {
    const { body } = await subscribe('pro');
    await close();
    const id = `${body.id}.1`;
    expect(await writeOff(id, newKey(), ann)).toMatchObject({ status: 403 });
    const first = await writeOff(id, 'off');
    expect(first).toMatchObject({ status: 200, body: { id, status: 'written_off' } });
    expect(first.body).not.toHaveProperty('writeOff');
    expect((await writeOff(id, 'off')).body).toEqual(first.body);
    expect(await writeOff(id)).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(await writeOff('nothing')).toMatchObject({ status: 404 });
    const pay = await ann('POST', `/invoices/${id}/payments`, { body: { method: 'pm_ok' }, key: newKey() });
    expect(pay).toMatchObject({ status: 409, body: { code: 'invoice_not_payable' } });
    expect((await close()).status).toBe(204);
    const { body: books } = await admin('GET', '/ledger/balance');
    expect(books).toMatchObject({ balanced: true });
    expect(books.accounts).toContainEqual({ account: 'write-offs', currency: 'EUR', balance: 9_900 });
  });
});
