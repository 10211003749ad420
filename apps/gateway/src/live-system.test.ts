import { setTimeout as wait } from 'node:timers/promises';
import { SystemReading } from '@slipway/contracts/gateway';
import { Errors } from 'typebox/value';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from './testing/service.ts';

const path = '/api/v1/system/events';
let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startGateway({ MAX_VIEWERS: '4', TRUSTED_PROXIES: 'loopback' });
});
afterEach(() => gateway.stop());

/** Opens the stream as a browser does, and collects its text until it ends or the test leaves. */
async function watch({
  headers = {},
  query = '',
}: {
  headers?: Record<string, string>;
  query?: string;
} = {}) {
  const stop = new AbortController();
  const response = await fetch(gateway.base + path + query, { headers, signal: stop.signal });
  const seen = { text: '', isOver: false };
  const read = async () => {
    for await (const chunk of response.body ?? []) seen.text += Buffer.from(chunk).toString();
  };
  const over = read()
    .catch(() => undefined)
    .then(() => {
      seen.isOver = true;
    });
  return {
    response,
    seen,
    over,
    ids: () => [...seen.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)),
    readings: () => [...seen.text.matchAll(/^data: (.+)$/gm)].map(([, data = '']) => JSON.parse(data)),
    leave: () => stop.abort(),
  };
}

describe('the stream of the system', () => {
  it('has a reading of all replicas every second, which fits the contract', async () => {
    const viewer = await watch();
    expect(Object.fromEntries(viewer.response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-correlation-id': expect.any(String),
    });
    await expect.poll(() => viewer.readings().length).toBeGreaterThan(1);
    const [reading] = viewer.readings();
    expect([...Errors(SystemReading, reading)]).toEqual([]);
    expect(reading.services).toMatchObject([
      { name: 'gateway', replicas: [{ state: 'ready', calls: expect.anything() }] },
      ...['users', 'billing', 'reporting'].map((name) => ({ name, replicas: [{ state: 'unreachable' }] })),
    ]);
    viewer.leave();
  });

  it('has the requests of each replica by the priority of their operation', async () => {
    await fetch(`${gateway.base}/api/v1/system`);
    const viewer = await watch();
    await expect
      .poll(() => viewer.readings().at(-1)?.services[0].replicas[0].priorities)
      .toEqual([expect.objectContaining({ priority: 'interactive', failed: 0, rejected: 0 })]);
    expect([...Errors(SystemReading, viewer.readings().at(-1))]).toEqual([]);
    viewer.leave();
  });

  it('reads once for all viewers, and nothing before somebody looks', async () => {
    await wait(1_100);
    expect(gateway.services.billing.seen).toEqual([]);
    const first = await watch();
    await expect.poll(() => first.ids().length).toBeGreaterThan(1);
    const second = await watch();
    await expect.poll(() => second.ids().length).toBeGreaterThan(1);
    expect(first.ids()).toEqual(expect.arrayContaining(second.ids()));
    expect(gateway.services.billing.seen.length).toBeLessThanOrEqual(first.ids().length + 1);
    for (const each of [first, second]) each.leave();
  });

  it.each([
    ['the header that browsers send', (id: number) => ({ headers: { 'last-event-id': String(id) } })],
    ['the query', (id: number) => ({ query: `?after=${id}` })],
  ])('sends what a viewer missed, who names the last event in %s', async (_how, after) => {
    const viewer = await watch();
    await expect.poll(() => viewer.ids().length).toBeGreaterThan(2);
    viewer.leave();
    const [first = 0, ...missed] = viewer.ids();
    const again = await watch(after(first));
    await expect.poll(() => again.ids().length).toBeGreaterThan(missed.length);
    expect(again.ids().slice(0, missed.length)).toEqual(missed);
    again.leave();
  });

  it('rejects a viewer for whom there is no room, who may come when another has left', async () => {
    const from = (address: string) => watch({ headers: { 'x-forwarded-for': address } });
    const viewers = await Promise.all(['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'].map(from));
    const { response } = await from('192.0.2.5');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    viewers[0]?.leave();
    await expect.poll(async () => (await from('192.0.2.5')).response.status).toBe(200);
  });

  it('has room for others when one client has taken all that it can get', async () => {
    const from = (address: string) => watch({ headers: { 'x-forwarded-for': address } });
    const statuses = [];
    for (let n = 0; n < 4; n++) statuses.push((await from('192.0.2.1')).response.status);
    expect(statuses).toEqual([200, 200, 503, 503]);
    expect((await from('192.0.2.2')).response.status).toBe(200);
  });

  it('is no request in flight, and its length is in no latency', async () => {
    const viewer = await watch();
    await expect.poll(() => viewer.ids().length).toBeGreaterThan(1);
    expect(gateway.metrics.inFlight.size).toBe(0);
    const text = await gateway.metrics.text();
    const bucket = /duration_seconds_bucket\{le="1",.*route="\/api\/v1\/system\/events",status="200"\} (\d)/;
    expect(bucket.exec(text)?.[1]).toBe('1');
    viewer.leave();
  });

  it('outlives the time limit of a request', async () => {
    await gateway.stop();
    gateway = await startGateway({ REQUEST_TIMEOUT_MS: '200' });
    const viewer = await watch();
    await expect.poll(() => viewer.ids().length).toBeGreaterThan(2);
    expect(viewer.seen.isOver).toBe(false);
    viewer.leave();
  });

  it('ends as soon as the gateway drains, and does not begin again', async () => {
    const viewer = await watch();
    gateway.lifecycle.advance('draining');
    const isOver = viewer.over.then(() => 'over');
    expect(await Promise.race([isOver, wait(2_000)])).toBe('over');
    expect((await watch()).response.status).toBe(503);
  });
});
