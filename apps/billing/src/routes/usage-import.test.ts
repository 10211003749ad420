import { type AddressInfo, connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { stores } from '../testing/stores.ts';
import { useBilling } from '../testing/usage.ts';

describe.each(stores)('an import over HTTP, on $name', ({ newSettings }) => {
  const billing = useBilling(newSettings);

  it('imports a stream of lines, and says what it could not take', async () => {
    const good = Array.from({ length: 2_500 }, (_, n) => billing.recordOf(`r${n}`));
    const { body } = await billing.send(billing.ann, [
      ...good,
      billing.recordOf('r0', { quantity: 8 }),
      billing.recordOf('r1', { at: good[1]?.at }),
      billing.recordOf('x', { quantity: -1 }),
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
    expect(await billing.unbilled()).toEqual([{ metric: 'api_calls', quantity: 17_500, records: 2_500 }]);
  });

  it('rejects a line with a time that cannot be read, and no other line', async () => {
    const { body } = await billing.send(billing.ann, [
      billing.recordOf('a'),
      billing.recordOf('b', { at: '2026-11-28\t01:00:00Z' }),
      billing.recordOf('c', { at: '9999-12-31T23:59:59-01:00' }),
      billing.recordOf('d'),
    ]);
    expect(body).toMatchObject({ accepted: 2, rejected: 2, errors: [{ line: 2 }, { line: 3 }] });
    expect(body.errors[0].detail).toContain('body.at');
  });

  it('counts nothing twice when an import is sent again', async () => {
    const records = Array.from({ length: 600 }, (_, n) => billing.recordOf(`r${n}`));
    await billing.send(billing.ann, records.slice(0, 300));
    expect((await billing.send(billing.ann, records)).body).toMatchObject({
      accepted: 300,
      duplicates: 300,
      rejected: 0,
    });
  });

  it('tells of what was added, in one event for each batch, subscription and metric', async () => {
    await billing.service.store.outbox.delivered(
      (await billing.service.store.outbox.pending(1_000)).map(({ id }) => id),
    );
    const storage = billing.recordOf('s1', { metric: 'storage_gb_hours' });
    const records = [...Array.from({ length: 1_001 }, (_, n) => billing.recordOf(`r${n}`)), storage];
    await billing.send(billing.ann, records);
    await billing.send(billing.ann, records);
    const told = (await billing.service.store.outbox.pending(10)).map(({ data }) => [
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
    expect((await billing.send(billing.ann, [])).body).toEqual({
      accepted: 0,
      duplicates: 0,
      rejected: 0,
      errors: [],
    });
    expect((await billing.sendText(billing.ann, ['\n', '\r\n', '  '])).body).toMatchObject({
      accepted: 0,
      rejected: 0,
    });
  });

  it('rejects a line that is too long without keeping it, and goes on', async () => {
    const lines = ['x'.repeat(100_000), '\n', JSON.stringify(billing.recordOf('r1'))];
    expect((await billing.sendText(billing.ann, lines)).body).toMatchObject({
      accepted: 1,
      rejected: 1,
      errors: [{ line: 1, code: 'payload_too_large' }],
    });
  });

  it('answers an import that it does not read to its end, while the sender still sends', async () => {
    await billing.service.app.listen({ port: 0, host: '127.0.0.1' });
    const { address, port } = billing.service.app.server.address() as AddressInfo;
    const token = await billing.service.tokenFor('ann', 'member');
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
    expect(await billing.ann('POST', '/usage/import', { body: billing.recordOf('r1') })).toMatchObject({
      status: 415,
    });
    const headers = { 'content-type': 'application/x-ndjson' };
    expect(
      await billing.ann('POST', '/usage', { body: JSON.stringify(billing.recordOf('r1')), headers }),
    ).toMatchObject({
      status: 415,
      body: { code: 'unsupported_media_type' },
    });
  });
});
