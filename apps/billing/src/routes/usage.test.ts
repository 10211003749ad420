import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Caller, startBilling } from '../testing/service.ts';
import { stores } from '../testing/stores.ts';

describe.each(stores)('usage over HTTP, on $name', ({ newSettings }) => {
  let service: Awaited<ReturnType<typeof startBilling>>;
  let ann: Caller;
  let bob: Caller;
  let admin: Caller;
  let subscriptionId: string;
  beforeAll(async () => {
    service = await startBilling(newSettings());
    ann = await service.callerFor('ann', 'member');
    bob = await service.callerFor('bob', 'member');
    admin = await service.callerFor('root', 'admin');
  });
  afterAll(() => service.stop());

  let keys = 0;
  beforeEach(async () => {
    const { body } = await ann('POST', '/subscriptions', { body: { planId: 'starter' }, key: `k${++keys}` });
    subscriptionId = body.id;
  });

  const recordOf = (id: string, facts: object = {}) => ({
    ...{ id, subscriptionId, metric: 'api_calls', quantity: 7, at: new Date().toISOString() },
    ...facts,
  });
  const send = (caller: Caller, records: unknown[]) =>
    sendText(
      caller,
      records.map((each) => `${JSON.stringify(each)}\n`),
    );
  const sendText = (caller: Caller, lines: Iterable<string>) =>
    caller('POST', '/usage/import', {
      body: Readable.from(lines, { objectMode: false }),
      headers: { 'content-type': 'application/x-ndjson' },
    });
  const unbilled = async () => (await ann('GET', `/subscriptions/${subscriptionId}/usage`)).body.items;

  it('records once per record id', async () => {
    const record = recordOf('r1');
    expect(await ann('POST', '/usage', { body: record })).toMatchObject({
      status: 200,
      body: { duplicate: false },
    });
    expect(await ann('POST', '/usage', { body: record })).toMatchObject({
      status: 200,
      body: { duplicate: true },
    });
    expect(await ann('POST', '/usage', { body: { ...record, quantity: 8 } })).toMatchObject({
      status: 409,
      body: { code: 'conflict', errors: [{ field: 'body.id' }] },
    });
    expect(await unbilled()).toEqual([{ metric: 'api_calls', quantity: 7, records: 1 }]);
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
    expect(await ann('POST', '/usage', { body: recordOf('bad', facts) })).toMatchObject({
      status,
      body: { errors: [{ field }] },
    });
    expect(await unbilled()).toEqual([]);
  });

  it("refuses another person's subscription as one that does not exist; an administrator may", async () => {
    expect(await bob('POST', '/usage', { body: recordOf('r1') })).toMatchObject({ status: 404 });
    expect((await send(bob, [recordOf('r1')])).body).toMatchObject({
      rejected: 1,
      errors: [{ code: 'not_found' }],
    });
    expect(await unbilled()).toEqual([]);
    expect((await send(admin, [recordOf('r1')])).body).toMatchObject({ accepted: 1 });
  });

  it('refuses usage after the end, and takes late usage from before it', async () => {
    const before = recordOf('r1');
    await ann('POST', `/subscriptions/${subscriptionId}/cancel`);
    expect(await ann('POST', '/usage', { body: before })).toMatchObject({ status: 200 });
    expect(await ann('POST', '/billing-account/close')).toMatchObject({ status: 409 });
    expect(await ann('POST', '/usage', { body: recordOf('r2') })).toMatchObject({
      status: 409,
      body: { code: 'subscription_ended' },
    });
    expect(await ann('POST', '/usage', { body: { ...before, id: 'r3' } })).toMatchObject({ status: 200 });
  });

  it('refuses what would make a sum too large, which stops no invoice', async () => {
    const { id: large, startedAt } = (
      await ann('POST', '/subscriptions', { body: { planId: 'starter' }, key: `k${++keys}` })
    ).body;
    const quantity = Number.MAX_SAFE_INTEGER - 1;
    const known = { ...recordOf('r1'), subscriptionId: large, userId: 'ann', at: startedAt, period: 1 };
    await service.store.usage.add([{ ...known, quantity }], () => []);
    const more = { ...recordOf('r2'), subscriptionId: large };
    expect(await ann('POST', '/usage', { body: more })).toMatchObject({
      status: 422,
      body: { code: 'sum_too_large', errors: [{ field: 'body.quantity' }] },
    });
    expect((await send(ann, [more, { ...more, id: 'r3', quantity: 1 }])).body).toMatchObject({
      accepted: 1,
      errors: [{ line: 1, code: 'sum_too_large' }],
    });
    expect((await ann('GET', `/subscriptions/${large}/usage`)).body.items).toMatchObject([
      { quantity: Number.MAX_SAFE_INTEGER },
    ]);
    expect(await ann('POST', '/billing-account/close')).toMatchObject({ status: 409 });
    expect((await ann('GET', `/invoices/${large}.1`)).body.total).toBeGreaterThan(1_000_000_000);
  });

  it('imports a stream of lines, and says what it could not take', async () => {
    const good = Array.from({ length: 2_500 }, (_, n) => recordOf(`r${n}`));
    const { body } = await send(ann, [
      ...good,
      recordOf('r0', { quantity: 8 }),
      recordOf('r1', { at: good[1]?.at }),
      recordOf('x', { quantity: -1 }),
      'text',
    ]);
    expect(body).toEqual({
      accepted: 2_500,
      duplicates: 1,
      rejected: 3,
      errors: [
        { line: 2_501, code: 'conflict', detail: expect.stringContaining('r0') },
        { line: 2_503, code: 'invalid_request', detail: 'body.quantity must be >= 0' },
        { line: 2_504, code: 'invalid_request', detail: 'body must be object' },
      ],
    });
    expect(await unbilled()).toEqual([{ metric: 'api_calls', quantity: 17_500, records: 2_500 }]);
  });

  it('rejects a line with a time that cannot be read, and no other line', async () => {
    const { body } = await send(ann, [
      recordOf('a'),
      recordOf('b', { at: '2026-11-28\t01:00:00Z' }),
      recordOf('c', { at: '9999-12-31T23:59:59-01:00' }),
      recordOf('d'),
    ]);
    expect(body).toMatchObject({ accepted: 2, rejected: 2, errors: [{ line: 2 }, { line: 3 }] });
    expect(body.errors[0].detail).toContain('body.at');
  });

  it('counts nothing twice when an import is sent again', async () => {
    const records = Array.from({ length: 600 }, (_, n) => recordOf(`r${n}`));
    await send(ann, records.slice(0, 300));
    expect((await send(ann, records)).body).toMatchObject({ accepted: 300, duplicates: 300, rejected: 0 });
  });

  it('tells of what was added, in one event for each batch, subscription and metric', async () => {
    await service.store.outbox.delivered((await service.store.outbox.pending(1_000)).map(({ id }) => id));
    const storage = recordOf('s1', { metric: 'storage_gb_hours' });
    const records = [...Array.from({ length: 1_001 }, (_, n) => recordOf(`r${n}`)), storage];
    await send(ann, records);
    await send(ann, records);
    const told = (await service.store.outbox.pending(10)).map(({ data }) => [
      data.metric,
      data.quantity,
      data.records,
    ]);
    expect(told).toEqual([
      ['api_calls', 7_000, 1_000],
      ['api_calls', 7, 1],
      ['storage_gb_hours', 7, 1],
    ]);
  });

  it('takes an empty import', async () => {
    expect((await send(ann, [])).body).toEqual({ accepted: 0, duplicates: 0, rejected: 0, errors: [] });
    expect((await sendText(ann, ['\n', '\r\n', '  '])).body).toMatchObject({ accepted: 0, rejected: 0 });
  });

  it('rejects a line that is too long without keeping it, and goes on', async () => {
    const lines = ['x'.repeat(100_000), '\n', JSON.stringify(recordOf('r1'))];
    expect((await sendText(ann, lines)).body).toMatchObject({
      accepted: 1,
      rejected: 1,
      errors: [{ line: 1, code: 'payload_too_large' }],
    });
  });

  it('answers an import that it does not read to its end, while the sender still sends', async () => {
    await service.app.listen({ port: 0, host: '127.0.0.1' });
    const { address, port } = service.app.server.address() as AddressInfo;
    const token = await service.tokenFor('ann', 'member');
    const socket = connect(port, address);
    const answer = new Promise<string>((resolve) => socket.setEncoding('utf8').once('data', resolve));
    socket.on('error', () => undefined);
    socket.write(
      'POST /api/v1/usage/import HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\n' +
        `authorization: Bearer ${token}\r\ncontent-length: 1000000\r\n\r\n`,
    );
    for (let sent = 0; sent < 250_000; sent += 10_000) socket.write('x\n'.repeat(5_000));
    expect(await answer).toMatch(/^HTTP\/1.1 400 /);
    // Still read: the sender may get its answer only when it has sent all.
    expect(socket.write('x\n'.repeat(100_000))).toBeTypeOf('boolean');
    await expect.poll(() => socket.writableLength).toBe(0);
    socket.destroy();
  });

  it('takes NDJSON there and nowhere else, and nothing else there', async () => {
    expect(await ann('POST', '/usage/import', { body: recordOf('r1') })).toMatchObject({ status: 415 });
    const headers = { 'content-type': 'application/x-ndjson' };
    expect(await ann('POST', '/usage', { body: JSON.stringify(recordOf('r1')), headers })).toMatchObject({
      status: 415,
      body: { code: 'unsupported_media_type' },
    });
  });
});
