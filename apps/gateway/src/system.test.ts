import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createReplicas } from './replicas.ts';
import { createReading, describeReadings } from './system.ts';
import { startGateway, startStandIn, type TestGateway } from './testing/service.ts';
import { upstreamNames } from './upstreams.ts';

const status = {
  version: '2',
  state: 'ready',
  ready: true,
  upSeconds: 9,
  dependencies: [{ name: 'store', up: true }],
} as const;
const own = {
  name: 'gateway',
  status: async () => ({ ...status, dependencies: [], version: '1', upSeconds: 5 }),
};

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

/** Starts a management port that responds with a status, or as a function decides. */
async function statusServer(said: object | ((response: ServerResponse) => void), code = 200) {
  const standIn = await startStandIn('status');
  stops.push(standIn.stop);
  standIn.handle = (_request, response) => {
    if (typeof said === 'function') said(response);
    else response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(said));
  };
  return standIn;
}

/** Makes the function that reads and describes services at the given addresses. */
function createSystem(statusUrls: Record<string, string>, now?: () => number) {
  const replicas = Object.entries(statusUrls).map(([name, url]) => createReplicas(name, url));
  stops.push(async () => {
    for (const each of replicas) each.close();
  });
  const read = createReading({ own, replicas, now });
  return async () => describeReadings(await read());
}

const stateOf = async (url: string) => (await createSystem({ users: url })()).services[1];

describe('the state of the system', () => {
  it('includes every service and the gateway', async () => {
    const { url } = await statusServer(status);
    vi.useFakeTimers({ toFake: ['Date'], now: 0 });
    const system = await createSystem({ users: url })();
    expect(system).toEqual({
      ready: true,
      checkedAt: '1970-01-01T00:00:00.000Z',
      services: [
        { name: 'gateway', state: 'ready', version: '1', upSeconds: 5, down: [] },
        { name: 'users', state: 'ready', version: '2', upSeconds: 9, down: [] },
      ],
    });
  });

  it('names the dependencies of a service that are down', async () => {
    const dependencies = [{ name: 'store', up: false, error: 'gone' }];
    const { url } = await statusServer({ ...status, ready: false, dependencies }, 503);
    expect(await stateOf(url)).toMatchObject({ state: 'unready', down: ['store'], version: '2' });
  });

  it('includes what a service wants everyone to know', async () => {
    const notices = ['The test clock is on.'];
    const { url } = await statusServer({ ...status, notices });
    expect(await stateOf(url)).toMatchObject({ state: 'ready', notices });
  });

  it('shows that a service is draining', async () => {
    const { url } = await statusServer({ ...status, state: 'draining', ready: false }, 503);
    expect(await stateOf(url)).toMatchObject({ state: 'draining' });
  });

  it.each([
    ['is down', () => 'http://127.0.0.1:1'],
    ['responds with something else', async () => (await statusServer({ hello: 'world' })).url],
    ['responds with no JSON', async () => (await statusServer((response) => response.end('<html>'))).url],
    ['breaks off', async () => (await statusServer((response) => response.destroy())).url],
  ])('shows a service that %s as unreachable', async (_, urlOf) => {
    expect(await stateOf(await urlOf())).toEqual({ name: 'users', state: 'unreachable', down: [] });
  });

  it('shows services that hang as unreachable after one second in total', async () => {
    const { url } = await statusServer(() => undefined);
    const startedAt = performance.now();
    const system = await createSystem({ a: url, b: url, c: url })();
    expect(system.services.slice(1).map(({ state }) => state)).toEqual([
      'unreachable',
      'unreachable',
      'unreachable',
    ]);
    expect(system.ready).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it('is loaded once per second, whatever the number of requests', async () => {
    const standIn = await statusServer(status);
    let time = 0;
    const system = createSystem({ users: standIn.url }, () => time);
    await Promise.all([system(), system()]);
    time = 899;
    await system();
    expect(standIn.seen).toHaveLength(1);
    time = 900;
    await system();
    expect(standIn.seen).toHaveLength(2);
  });
});

it('setting the system clock back does not extend the time for which the state is cached', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  const read = createReading({ own, replicas: [] });
  const first = await read();
  vi.advanceTimersByTime(1_000);
  vi.setSystemTime(Date.now() - 3_600_000);
  expect(await read()).not.toBe(first);
});

describe('a service with several replicas', () => {
  const notices = ['The test clock is on.'];

  it('is ready if one of them is', async () => {
    const draining = await statusServer({ ...status, state: 'draining', ready: false, version: '1' }, 503);
    const ready = await statusServer({ ...status, notices });
    const urls = [draining, ready].map(({ url }) => `${url}/status`).join(', ');
    expect(await stateOf(urls)).toMatchObject({ state: 'ready', version: '2', notices });
    expect([draining, ready].map(({ seen }) => seen[0]?.url)).toEqual(['/status', '/status']);
  });

  it('is unready if none is ready and one has started', async () => {
    const unready = await statusServer({ ...status, ready: false }, 503);
    const urls = `http://127.0.0.1:1/status,${unready.url}/status`;
    expect(await stateOf(urls)).toMatchObject({ state: 'unready' });
  });
});

describe('GET /api/v1/system', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ REPORTING_STATUS_URL: 'http://127.0.0.1:1/status' });
  });
  afterAll(() => gateway.stop());

  it('responds to anyone, whatever the state', async () => {
    gateway.services.billing.handle = (_request, response) => response.end(JSON.stringify(status));
    const answer = await gateway.app.inject('/api/v1/system');
    expect(answer.statusCode).toBe(200);
    const others = upstreamNames.map((name) => ({
      name,
      state: name === 'billing' ? 'ready' : 'unreachable',
    }));
    expect(answer.json()).toMatchObject({
      ready: false,
      services: [{ name: 'gateway', state: 'ready' }, ...others],
    });
    expect(gateway.services.billing.seen).toMatchObject([{ url: '/status' }]);
  });

  it('shows that the gateway itself is draining', async () => {
    gateway.lifecycle.advance('draining');
    const services = async () => (await gateway.app.inject('/api/v1/system')).json().services;
    await expect
      .poll(services, { timeout: 5_000 })
      .toContainEqual(expect.objectContaining({ name: 'gateway', state: 'draining' }));
  });
});
