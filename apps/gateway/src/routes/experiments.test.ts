/** Experiments through the gateway, in real services whose management ports it calls. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { defineService } from '@slipway/platform/service/service';
import { platformSettings } from '@slipway/platform/service/settings';
import { buildTestService } from '@slipway/platform/testing/service';
import { afterEach, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../testing/service.ts';

const token = 'token-of-the-experiments';
const fault = { on: 'service', kind: 'error' } as const;

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** Starts the management port of a process that takes experiments with a token. */
async function startReplica(env: Record<string, string> = { EXPERIMENTS_TOKEN: token }) {
  const plain = defineService({ name: 'billing', version: '1', settings: platformSettings, register() {} });
  const { app, management } = await buildTestService(plain, env);
  await once(management.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(management.address() as AddressInfo).port}`;
  stops.push(
    () => app.close(),
    () => management.close(),
  );
  const running = async () => {
    const { activity } = (await (await fetch(`${url}/status`)).json()) as {
      activity: { experiment?: object };
    };
    return activity.experiment;
  };
  return { url, running };
}

let gateway: TestGateway;

async function start(env: Record<string, string>) {
  gateway = await startGateway(env);
  stops.unshift(() => gateway.stop());
}

/** Sends an operation as an administrator. */
async function operate(method: 'PUT' | 'DELETE', service: string, body?: object, roles = ['admin']) {
  const headers = roles.length > 0 ? await gateway.bearer('ada', ...roles) : {};
  const url = `/api/v1/system/experiments/${service}`;
  const answer = await gateway.app.inject({ method, url, headers, payload: body });
  return { status: answer.statusCode, body: answer.json() };
}

describe('an experiment', () => {
  const addresses = (...replicas: { url: string }[]) => ({
    EXPERIMENTS_TOKEN: token,
    BILLING_STATUS_URL: replicas.map(({ url }) => `${url}/status`).join(),
  });

  it('is started and ended in every replica, and everybody sees it', async () => {
    const replicas = [await startReplica(), await startReplica()];
    await start(addresses(...replicas));
    const { status, body } = await operate('PUT', 'billing', { fault, seconds: 60 });
    expect([status, body]).toEqual([
      200,
      { experiment: { fault, endsAt: expect.any(String) }, replicas: 2, failures: [] },
    ]);
    for (const { running } of replicas) expect(await running()).toMatchObject({ fault });
    const system = (await gateway.app.inject('/api/v1/system')).json();
    expect(system.allowsExperiments).toBe(true);
    expect(system.services).toContainEqual(
      expect.objectContaining({ name: 'billing', experiment: body.experiment }),
    );

    expect(await operate('DELETE', 'billing')).toEqual({ status: 200, body: { replicas: 2, failures: [] } });
    for (const { running } of replicas) expect(await running()).toBeUndefined();
  });

  it('says where it could not be started', async () => {
    const one = await startReplica();
    await start(addresses(one, await startReplica({}), { url: 'http://127.0.0.1:1' }));
    const { status, body } = await operate('PUT', 'billing', { fault, seconds: 60 });
    expect([status, body.replicas]).toEqual([200, 1]);
    expect(body.failures).toEqual([
      expect.stringContaining('EXPERIMENTS_TOKEN'),
      'The replica does not respond',
    ]);
  });

  it('fails if no replica could start it', async () => {
    await start(addresses({ url: 'http://127.0.0.1:1' }));
    expect(await operate('PUT', 'billing', { fault, seconds: 60 })).toMatchObject({
      status: 502,
      body: { code: 'upstream_failed', detail: 'The replica does not respond' },
    });
  });

  it('that a service cannot have is rejected with its reason', async () => {
    await start(addresses(await startReplica()));
    const request = { fault: { on: 'store', kind: 'hang' }, seconds: 60 };
    expect(await operate('PUT', 'billing', request)).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('body.fault.on') },
    });
  });

  it('of the gateway itself leaves the pages and its own end possible', async () => {
    await start({ EXPERIMENTS_TOKEN: token });
    expect((await operate('PUT', 'gateway', { fault, seconds: 60 })).status).toBe(200);
    const status = async (url: string) => (await gateway.app.inject(url)).statusCode;
    expect(await status('/api/v1/openapi.json')).toBe(500);
    for (const url of ['/', '/pages/home.js', '/api/v1/system'])
      expect([url, await status(url)]).toEqual([url, 200]);
    expect((await operate('DELETE', 'gateway')).status).toBe(200);
    expect(await status('/api/v1/openapi.json')).toBe(200);
  });

  it.each([
    ['without a token', [], 401],
    ['by a person who is no administrator', ['member'], 403],
  ])('is not started %s', async (_how, roles, status) => {
    await start({ EXPERIMENTS_TOKEN: token });
    expect((await operate('PUT', 'gateway', { fault, seconds: 60 }, roles)).status).toBe(status);
    expect((await operate('DELETE', 'gateway', undefined, roles)).status).toBe(status);
    expect((await gateway.app.inject('/api/v1/system')).statusCode).toBe(200);
  });

  it.each([
    ['seconds', { fault, seconds: 301 }, 'body.seconds'],
    ['kind', { fault: { ...fault, kind: 'fire' }, seconds: 1 }, 'body.fault.kind'],
    ['milliseconds', { fault: { ...fault, kind: 'latency' }, seconds: 1 }, 'body.fault.ms'],
  ])('with wrong %s is rejected, and the field named', async (_what, request, field) => {
    await start({ EXPERIMENTS_TOKEN: token });
    const { status, body } = await operate('PUT', 'gateway', request);
    expect([status, body.errors]).toEqual([400, [expect.objectContaining({ field })]]);
  });

  it('of a service that does not exist is not found', async () => {
    await start({ EXPERIMENTS_TOKEN: token });
    expect((await operate('PUT', 'shipping', { fault, seconds: 60 })).status).toBe(404);
  });

  it('is not allowed without the setting, which the response names', async () => {
    await start({});
    expect(await operate('PUT', 'gateway', { fault, seconds: 60 })).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: expect.stringContaining('EXPERIMENTS_TOKEN') },
    });
    expect((await gateway.app.inject('/api/v1/system')).json().allowsExperiments).toBe(false);
  });
});
