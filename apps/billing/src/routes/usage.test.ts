import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { stores } from '../testing/stores.ts';
import { useBilling } from '../testing/usage.ts';

describe.each(stores)('usage over HTTP, on $name', ({ newSettings }) => {
  const billing = useBilling(newSettings);

  it('records once per record id', async () => {
    const record = billing.recordOf('r1');
    expect(await billing.ann('POST', '/usage', { body: record })).toMatchObject({
      status: 200,
      body: { duplicate: false },
    });
    expect(await billing.ann('POST', '/usage', { body: record })).toMatchObject({
      status: 200,
      body: { duplicate: true },
    });
    expect(await billing.ann('POST', '/usage', { body: { ...record, quantity: 8 } })).toMatchObject({
      status: 409,
      body: { code: 'conflict', errors: [{ field: 'body.id' }] },
    });
    expect(await billing.unbilled()).toEqual([{ metric: 'api_calls', quantity: 7, records: 1 }]);
  });

  it.each([
    [{ quantity: -1 }, 400, 'body.quantity'],
    [{ quantity: 1.5 }, 400, 'body.quantity'],
    [{ quantity: '7' }, 400, 'body.quantity'],
    [{ quantity: 1_000_000_001 }, 400, 'body.quantity'],
    [{ at: 'yesterday' }, 400, 'body.at'],
    [{ at: '2020-01-01T00:00:00Z' }, 400, 'body.at'],
    [{ at: '2999-01-01T00:00:00Z' }, 400, 'body.at'],
    [{ at: '2026-11-28\t01:00:00Z' }, 400, 'body.at'],
    [{ at: '9999-12-31T23:59:59-01:00' }, 400, 'body.at'],
    [{ metric: 'coffee' }, 422, 'body.metric'],
    [{ subscriptionId: 'nothing' }, 404, 'body.subscriptionId'],
    [{ id: 'with space' }, 400, 'body.id'],
    [{ price: 0 }, 400, 'body.price'],
  ])('refuses a record with %j, naming the field', async (facts, status, field) => {
    expect(await billing.ann('POST', '/usage', { body: billing.recordOf('bad', facts) })).toMatchObject({
      status,
      body: { errors: [{ field }] },
    });
    expect(await billing.unbilled()).toEqual([]);
  });

  it("refuses another person's subscription as one that does not exist; an administrator may", async () => {
    expect(await billing.bob('POST', '/usage', { body: billing.recordOf('r1') })).toMatchObject({
      status: 404,
    });
    expect((await billing.send(billing.bob, [billing.recordOf('r1')])).body).toMatchObject({
      rejected: 1,
      errors: [{ code: 'not_found' }],
    });
    expect(await billing.unbilled()).toEqual([]);
    expect((await billing.send(billing.admin, [billing.recordOf('r1')])).body).toMatchObject({ accepted: 1 });
  });

  it('refuses usage after the end, and takes late usage from before it', async () => {
    const before = billing.recordOf('r1');
    await billing.ann('POST', `/subscriptions/${billing.subscriptionId}/cancel`);
    expect(await billing.ann('POST', '/usage', { body: before })).toMatchObject({ status: 200 });
    expect(await billing.ann('POST', '/billing-account/close')).toMatchObject({ status: 409 });
    expect(await billing.ann('POST', '/usage', { body: billing.recordOf('r2') })).toMatchObject({
      status: 409,
      body: { code: 'subscription_ended' },
    });
    expect(await billing.ann('POST', '/usage', { body: { ...before, id: 'r3' } })).toMatchObject({
      status: 200,
    });
  });

  it('refuses what would make a sum too large, which stops no invoice', async () => {
    const { id: large, startedAt } = (
      await billing.ann('POST', '/subscriptions', { body: { planId: 'starter' }, key: randomUUID() })
    ).body;
    const quantity = Number.MAX_SAFE_INTEGER - 1;
    const known = {
      ...billing.recordOf('r1'),
      subscriptionId: large,
      userId: 'ann',
      at: startedAt,
      period: 1,
    };
    await billing.service.store.usage.add([{ ...known, quantity }], () => []);
    const more = { ...billing.recordOf('r2'), subscriptionId: large };
    expect(await billing.ann('POST', '/usage', { body: more })).toMatchObject({
      status: 422,
      body: { code: 'sum_too_large', errors: [{ field: 'body.quantity' }] },
    });
    expect((await billing.send(billing.ann, [more, { ...more, id: 'r3', quantity: 1 }])).body).toMatchObject({
      accepted: 1,
      errors: [{ line: 1, code: 'sum_too_large' }],
    });
    expect((await billing.ann('GET', `/subscriptions/${large}/usage`)).body.items).toMatchObject([
      { quantity: Number.MAX_SAFE_INTEGER },
    ]);
    expect(await billing.ann('POST', '/billing-account/close')).toMatchObject({ status: 409 });
    expect((await billing.ann('GET', `/invoices/${large}.1`)).body.total).toBeGreaterThan(1_000_000_000);
  });
});
