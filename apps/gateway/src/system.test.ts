import type { ServerResponse } from 'node:http';
import { Lifecycle } from '@slipway/platform/service/lifecycle';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createSystem } from './system.ts';
import { startGateway, startStandIn, type TestGateway } from './testing/service.ts';

const lifecycle = new Lifecycle();
lifecycle.advance('ready');
const own = { name: 'gateway', version: '1', lifecycle };
const status = {
  version: '2',
  state: 'ready',
  ready: true,
  upSeconds: 9,
  dependencies: [{ name: 'store', up: true }],
};

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

/** A management port that says the given, or whatever `say` does. */
async function tell(said: object | ((response: ServerResponse) => void), code = 200) {
  const standIn = await startStandIn('status');
  stops.push(standIn.stop);
  standIn.handle = (_request, response) => {
    if (typeof said === 'function') said(response);
    else response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(said));
  };
  return standIn;
}

const ask = async (url: string) => (await createSystem({ own, statusUrls: { users: url } })()).services[1];

describe('the state of the system', () => {
  it('is that of each service and of the gateway', async () => {
    const { url } = await tell(status);
    vi.useFakeTimers({ toFake: ['Date'], now: 0 });
    const system = await createSystem({ own, statusUrls: { users: url }, now: () => 5_000 })();
    expect(system).toEqual({
      ready: true,
      checkedAt: '1970-01-01T00:00:00.000Z',
      services: [
        { name: 'gateway', state: 'ready', version: '1', upSeconds: 5, down: [] },
        { name: 'users', state: 'ready', version: '2', upSeconds: 9, down: [] },
      ],
    });
  });

  it('names what a service cannot reach', async () => {
    const dependencies = [{ name: 'store', up: false, error: 'gone' }];
    const { url } = await tell({ ...status, ready: false, dependencies }, 503);
    expect(await ask(url)).toMatchObject({ state: 'unready', down: ['store'], version: '2' });
  });

  it('shows a service that drains', async () => {
    const { url } = await tell({ ...status, state: 'draining', ready: false }, 503);
    expect(await ask(url)).toMatchObject({ state: 'draining' });
  });

  it.each([
    ['is down', () => 'http://127.0.0.1:1'],
    ['says something else', async () => (await tell({ hello: 'world' })).url],
    ['says no JSON', async () => (await tell((response) => response.end('<html>'))).url],
    ['breaks off', async () => (await tell((response) => response.destroy())).url],
  ])('shows a service that %s as away', async (_, urlOf) => {
    expect(await ask(await urlOf())).toEqual({ name: 'users', state: 'away', down: [] });
  });

  it('shows services that hang as away after a second for all of them', async () => {
    const { url } = await tell(() => undefined);
    const startedAt = performance.now();
    const system = await createSystem({ own, statusUrls: { a: url, b: url, c: url } })();
    expect(system.services.slice(1).map(({ state }) => state)).toEqual(['away', 'away', 'away']);
    expect(system.ready).toBe(false);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it('is asked for once a second, however many want to know', async () => {
    const standIn = await tell(status);
    let time = 0;
    const system = createSystem({ own, statusUrls: { users: standIn.url }, now: () => time });
    await Promise.all([system(), system()]);
    time = 999;
    await system();
    expect(standIn.seen).toHaveLength(1);
    time = 1_000;
    await system();
    expect(standIn.seen).toHaveLength(2);
  });
});

describe('a clock of the system that is set back', () => {
  const setBack = () => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });

  it('makes no time since the start negative', async () => {
    setBack();
    const { services } = await createSystem({ own, statusUrls: {} })();
    expect(services[0]?.upSeconds).toBeGreaterThanOrEqual(0);
  });

  it('does not make an answer be repeated for longer', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    const system = createSystem({ own, statusUrls: {} });
    const first = await system();
    vi.advanceTimersByTime(1_000);
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(await system()).not.toBe(first);
  });
});

describe('GET /api/v1/system', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ REPORTING_STATUS_URL: 'http://127.0.0.1:1/status' });
  });
  afterAll(() => gateway.stop());

  it('answers anyone, however bad it is', async () => {
    gateway.services.billing.handle = (_request, response) => response.end(JSON.stringify(status));
    const answer = await gateway.app.inject('/api/v1/system');
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      ready: false,
      services: [
        { name: 'gateway', state: 'ready' },
        { name: 'users', state: 'away' },
        { name: 'billing', state: 'ready' },
        { name: 'reporting', state: 'away' },
      ],
    });
    expect(gateway.services.billing.seen).toMatchObject([{ url: '/status' }]);
  });

  it('shows that the gateway itself drains', async () => {
    gateway.lifecycle.advance('draining');
    const services = async () => (await gateway.app.inject('/api/v1/system')).json().services;
    await expect
      .poll(services, { timeout: 5_000 })
      .toContainEqual(expect.objectContaining({ name: 'gateway', state: 'draining' }));
  });
});
