/** The load of a gateway, sent to stand-ins of its services. */
import { workPath } from '@slipway/platform/overload/sample-work';
import { afterEach, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../testing/service.ts';

const patient = { timeout: 30_000, interval: 20 };
const allowed = { EXPERIMENTS_TOKEN: 'token-of-the-experiments' };
const order = { service: 'billing', requestsPerSecond: 20, seconds: 300 };

let gateway: TestGateway;
afterEach(() => gateway.stop());

/** Starts a gateway, and returns what sends a request to its load. */
async function start(env: Record<string, string> = allowed) {
  gateway = await startGateway(env);
  const { base, bearer } = gateway;
  const headers = { admin: await bearer('ada', 'admin'), member: await bearer('bob', 'member'), nobody: {} };
  return async (method: string, body?: object, who: keyof typeof headers = 'admin') => {
    const response = await fetch(`${base}/api/v1/system/load`, {
      method,
      headers: { ...headers[who], ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  };
}

/** The requests that billing has received for its work. */
const received = () => gateway.services.billing.seen.filter(({ url }) => url?.startsWith('/internal/work/'));

describe('the load of the gateway', () => {
  it('goes straight to the service, with the secret of experiments, until it is stopped', async () => {
    const send = await start();
    expect((await send('GET', undefined, 'nobody')).body).toEqual({});
    const { status, body } = await send('PUT', order);
    expect([status, body]).toMatchObject([
      200,
      { isRunning: true, service: 'billing', requestsPerSecond: 20 },
    ]);
    await expect.poll(() => received().length, patient).toBeGreaterThan(10);
    expect(new Set(received().map(({ url }) => url))).toContain(workPath('interactive'));
    expect(received()[0]?.headers).toMatchObject({ authorization: `Bearer ${allowed.EXPERIMENTS_TOKEN}` });
    expect((await send('GET', undefined, 'nobody')).body.load.answered).toBeGreaterThan(0);
    expect((await send('DELETE')).status).toBe(204);
    expect((await send('GET')).body.load).toMatchObject({ isRunning: false });
  });

  it('is shown in the stream of the system', async () => {
    const send = await start();
    await send('PUT', order);
    const signal = AbortSignal.timeout(20_000);
    const stream = await fetch(`${gateway.base}/api/v1/system/events`, { signal });
    let text = '';
    for await (const chunk of stream.body ?? []) {
      text += Buffer.from(chunk);
      if (/^data: .*\n/m.test(text)) break;
    }
    const reading = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '{}');
    expect(reading.load).toMatchObject({ isRunning: true, service: 'billing' });
  });

  it.each([
    ['a rate beyond the maximum', { requestsPerSecond: 2_001 }, 'body.requestsPerSecond'],
    ['a longer time', { seconds: 301 }, 'body.seconds'],
    ['the gateway itself', { service: 'gateway' }, 'body.service'],
  ])('is not started with %s', async (_what, changed, field) => {
    const send = await start();
    const { status, body } = await send('PUT', { ...order, ...changed });
    expect([status, body.errors[0].field]).toEqual([400, field]);
  });

  it('is started and stopped by administrators alone', async () => {
    const send = await start();
    for (const method of ['PUT', 'DELETE']) {
      const body = method === 'PUT' ? order : undefined;
      expect((await send(method, body, 'member')).status).toBe(403);
      expect((await send(method, body, 'nobody')).status).toBe(401);
    }
    expect((await send('GET')).body).toEqual({});
  });

  it('is not started where experiments are not allowed', async () => {
    const send = await start({});
    expect((await send('PUT', order)).body).toMatchObject({ status: 409, code: 'conflict' });
    expect((await send('DELETE')).status).toBe(409);
    expect((await send('GET')).body).toEqual({});
  });

  it('ends at the signal to stop, before the drain delay', async () => {
    const send = await start();
    await send('PUT', order);
    await expect.poll(() => received().length, patient).toBeGreaterThan(0);
    gateway.lifecycle.advance('draining');
    expect((await send('GET')).body.load).toMatchObject({ isRunning: false });
    expect((await send('PUT', order)).body).toMatchObject({ status: 503, code: 'unavailable' });
  });
});
