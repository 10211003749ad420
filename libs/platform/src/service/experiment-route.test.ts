/** Experiments in a real service, over HTTP on both of its ports. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildTestService } from '../testing/service.ts';
import { defineService } from './service.ts';
import { platformSettings } from './settings.ts';

const token = 'token-of-the-experiments';
const patient = { timeout: 10_000 };

let close = async () => {};
afterEach(() => close());

/** A service with a store that has one command, and functions that call it. */
async function running(env: Record<string, string> = { EXPERIMENTS_TOKEN: token }, hasStore = true) {
  const store = { ping: async () => undefined, close: async () => undefined, find: async () => 'found' };
  const commands = vi.spyOn(store, 'find');
  const service = await buildTestService(
    defineService({
      name: 'things',
      version: '1.2.3',
      settings: platformSettings,
      openStore: hasStore ? () => store : undefined,
      register(app, context) {
        app.get('/', async () => 'served');
        app.get('/found', async () => (context.store as typeof store | undefined)?.find());
        app.get('/exempt', { config: { hasNoFaults: true } }, async () => 'served');
      },
    }),
    env,
  );
  const { app, management } = service;
  const base = await app.listen({ port: 0, host: '127.0.0.1' });
  await once(management.listen(0, '127.0.0.1'), 'listening');
  const operated = `http://127.0.0.1:${(management.address() as AddressInfo).port}`;
  close = async () => {
    management.close();
    await app.close();
  };
  const operate = async (method: string, body?: unknown, credential = token) => {
    const headers = {
      authorization: `Bearer ${credential}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const response = await fetch(`${operated}/experiment`, { method, headers, body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const ask = async (path = '/') => {
    const startedAt = performance.now();
    const response = await fetch(base + path);
    const text = await response.text();
    return { status: response.status, text, ms: performance.now() - startedAt };
  };
  const statusOf = async () => {
    const response = await fetch(`${operated}/status`);
    return { status: response.status, body: (await response.json()) as Described };
  };
  return { ...service, commands, operate, ask, statusOf };
}

/** The part of /status that the tests read. */
type Described = {
  dependencies: { error?: string }[];
  notices: string[];
  activity: { experiment?: object };
};

const faultOf = (on: string, kind: string, ms?: number) => ({ on, kind, ...(ms && { ms }) });

describe('PUT /experiment', () => {
  it('does not exist in a service without the setting', async () => {
    const { operate } = await running({});
    const { status, body } = await operate('PUT', { guards: 'off', seconds: 1 });
    expect(status).toBe(404);
    expect(body.error).toContain('EXPERIMENTS_TOKEN');
  });

  it('needs the credential, as DELETE does', async () => {
    const { operate, statusOf } = await running();
    expect((await operate('PUT', { guards: 'off', seconds: 1 }, 'another-credential')).status).toBe(401);
    expect((await operate('DELETE', undefined, 'another-credential')).status).toBe(401);
    expect((await statusOf()).body.activity).not.toHaveProperty('experiment');
  });

  it.each([
    ['more than five minutes', { guards: 'off', seconds: 301 }, 'body.seconds'],
    ['no time', { guards: 'off' }, 'body.seconds'],
    ['an unknown field', { guards: 'off', seconds: 1, minutes: 5 }, 'body.minutes'],
    ['an unknown kind', { fault: faultOf('service', 'fire'), seconds: 1 }, 'body.fault.kind'],
    ['nothing', { seconds: 1 }, 'body.fault'],
    ['no object', 'hang', 'body'],
  ])('rejects %s, and names the field', async (_what, request, field) => {
    const { operate } = await running();
    const { status, body } = await operate('PUT', request);
    expect(status).toBe(400);
    expect(body.error).toMatch(new RegExp(`^${field} `));
  });

  it('rejects a fault of the store in a service without one', async () => {
    const { operate } = await running(undefined, false);
    const { status, body } = await operate('PUT', { fault: faultOf('store', 'error'), seconds: 1 });
    expect([status, body.error]).toEqual([400, expect.stringMatching(/^body.fault.on /)]);
  });

  it('is shown to everybody, with its end', async () => {
    const { operate, statusOf } = await running();
    const fault = faultOf('service', 'latency', 5);
    const { body } = await operate('PUT', { fault, seconds: 300 });
    expect(body.experiment).toEqual({ fault, endsAt: expect.stringMatching(/Z$/) });
    expect((await statusOf()).body.activity.experiment).toEqual(body.experiment);
    expect((await operate('DELETE')).body).toEqual({});
    expect((await statusOf()).body.activity).not.toHaveProperty('experiment');
  });
});

describe('a fault of the service', () => {
  it('makes requests slow, and ends by itself', async () => {
    const { operate, ask } = await running();
    await operate('PUT', { fault: faultOf('service', 'latency', 300), seconds: 1 });
    const slow = await ask();
    expect(slow).toMatchObject({ status: 200, text: 'served' });
    expect(slow.ms).toBeGreaterThan(290);
    await expect.poll(async () => (await ask()).ms, patient).toBeLessThan(100);
  });

  it('makes requests fail with a problem, and the probes go on to tell the truth', async () => {
    const { operate, ask, statusOf } = await running();
    await operate('PUT', { fault: faultOf('service', 'error'), seconds: 1 });
    const failed = await ask();
    expect(failed.status).toBe(500);
    expect(JSON.parse(failed.text)).toMatchObject({
      code: 'internal',
      detail: expect.stringContaining('experiment'),
    });
    expect((await ask('/exempt')).status).toBe(200);
    expect((await statusOf()).status).toBe(200);
    await expect.poll(async () => (await ask()).status, patient).toBe(200);
  });

  it('makes requests hang until it ends', async () => {
    const { operate, ask } = await running();
    await operate('PUT', { fault: faultOf('service', 'hang'), seconds: 1 });
    const hung = await ask();
    expect(hung).toMatchObject({ status: 200, text: 'served' });
    expect(hung.ms).toBeGreaterThan(800);
  });

  it('makes requests hang until their deadline, and is measured like a real one', async () => {
    const { operate, ask, metrics } = await running({
      EXPERIMENTS_TOKEN: token,
      REQUEST_TIMEOUT_MS: '1000',
    });
    await operate('PUT', { fault: faultOf('service', 'hang'), seconds: 60 });
    expect((await ask()).status).toBe(504);
    expect(metrics.totals.requests.view()).toMatchObject({ count: 1, failed: 1 });
  });

  it('does not hold the end of the process: what hangs is served', async () => {
    const { operate, ask, app, metrics } = await running();
    await operate('PUT', { fault: faultOf('service', 'hang'), seconds: 60 });
    const hung = ask();
    await expect.poll(() => metrics.inFlight.size, patient).toBe(1);
    await app.close();
    expect(await hung).toMatchObject({ status: 200, text: 'served' });
  });
});

describe('a fault of the store', () => {
  it('makes commands slow', async () => {
    const { operate, ask } = await running();
    await operate('PUT', { fault: faultOf('store', 'latency', 300), seconds: 60 });
    const slow = await ask('/found');
    expect(slow).toMatchObject({ status: 200, text: 'found' });
    expect(slow.ms).toBeGreaterThan(290);
    expect((await ask('/')).ms).toBeLessThan(250);
  });

  it('rejects commands, which are not carried out, and makes the service unready and not dead', async () => {
    const { operate, ask, statusOf, commands, metrics } = await running();
    await operate('PUT', { fault: faultOf('store', 'error'), seconds: 1 });
    expect((await ask('/found')).status).toBe(503);
    expect(commands).not.toHaveBeenCalled();
    expect((await statusOf()).status).toBe(503);
    expect(metrics.totals.dependencies.get('store')?.view().failed).toBeGreaterThan(0);
    await expect.poll(async () => (await statusOf()).status, patient).toBe(200);
    expect((await ask('/found')).text).toBe('found');
  });

  it('makes commands hang until it is ended, and the service unready', async () => {
    const { operate, ask, statusOf } = await running();
    await operate('PUT', { fault: faultOf('store', 'hang'), seconds: 60 });
    const hung = ask('/found');
    const { status, body } = await statusOf();
    expect([status, body.dependencies[0]?.error]).toEqual([503, 'no answer in 500 ms']);
    await operate('DELETE');
    expect(await hung).toMatchObject({ status: 200, text: 'found' });
    expect((await statusOf()).status).toBe(200);
  });

  it('gives a command up at the deadline of its request', async () => {
    const { operate, ask, commands, metrics } = await running({
      EXPERIMENTS_TOKEN: token,
      REQUEST_TIMEOUT_MS: '1000',
    });
    await operate('PUT', { fault: faultOf('store', 'hang'), seconds: 60 });
    expect([503, 504]).toContain((await ask('/found')).status);
    await expect.poll(() => metrics.totals.dependencies.get('store')?.view().failed, patient).toBe(1);
    expect(commands).not.toHaveBeenCalled();
  });
});

describe('the setting FAULT', () => {
  it('needs no credential, and lasts, which a notice says', async () => {
    const { ask, statusOf, operate } = await running({ FAULT: 'service:error' });
    expect((await ask()).status).toBe(500);
    const { body } = await statusOf();
    expect(body.notices).toEqual(['The setting FAULT is on. Each request fails.']);
    expect(body.activity.experiment).toEqual({ fault: faultOf('service', 'error') });
    expect((await operate('DELETE')).status).toBe(404);
  });

  it('about a store has no meaning in a service without one, which has the same environment', async () => {
    const { ask, statusOf } = await running({ FAULT: 'store:error' }, false);
    expect((await ask()).status).toBe(200);
    expect((await statusOf()).body.notices).toEqual([]);
  });

  it('that is wrong is reported with all other wrong settings', async () => {
    const wrong = running({ FAULT: 'store:slow', PORT: 'x' });
    await expect(wrong).rejects.toThrow(/PORT must be integer/);
    await expect(wrong).rejects.toThrow(/FAULT must match/);
  });
});
