import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { problem } from '@slipway/contract-kit/problem';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildService, defineService, type Service } from '../service/service.ts';
import { platformSettings, readSettings } from '../service/settings.ts';
import { seriesValue } from '../testing/metrics.ts';

const sample = defineService({
  name: 'sample',
  version: '1.0.0',
  settings: platformSettings,
  register(app, { log }) {
    app.get('/things/:id', async () => {
      log.info('found');
      return { found: true };
    });
    app.post('/things', async () => {
      log.info('made');
      return { made: true };
    });
    app.get('/report', { config: { priority: 'batch' } as object }, async () => ({ made: true }));
    app.get('/full', { config: { priority: 'money' } as object }, async () => {
      throw problem('overloaded');
    });
    app.get('/broken', async () => {
      throw new Error('broken');
    });
    app.get('/slow', () => new Promise(() => undefined));
  },
});

let service: Service;
let written: string[];

async function start() {
  written = [];
  service = await buildService(sample, readSettings(sample.settings, {}), {
    logTo: { write: (line) => written.push(line) },
  });
  return service;
}

afterEach(() => service.app.close());

const inFlight = 'http_server_requests_in_flight';

const lines = () => written.map((line) => JSON.parse(line));
const requestLines = () => lines().filter(({ msg }) => msg === 'request');

describe('a request', () => {
  it('is one line, with its route and not its URL', async () => {
    const { app } = await start();
    await app.inject({ url: '/things/7?token=swordfish', headers: { 'x-correlation-id': 'journey-1' } });
    expect(requestLines()).toEqual([
      expect.objectContaining({
        level: 'info',
        method: 'GET',
        route: '/things/:id',
        status: 200,
        ms: expect.any(Number),
        correlationId: 'journey-1',
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      }),
    ]);
    expect(written.join()).not.toContain('swordfish');
  });

  it.each([
    { method: 'GET' as const, url: '/things/7' },
    { method: 'POST' as const, url: '/things', payload: { name: 'a body' } },
  ])('gives its ids to what is logged while it is served: $method', async (request) => {
    const { app } = await start();
    await app.inject(request);
    const [during, after] = lines();
    expect(during.traceId).toBe(after.traceId);
    expect(during.correlationId).toBe(after.correlationId);
  });

  it('is named to the caller by a correlation id, its own or a new one', async () => {
    const { app } = await start();
    const given = await app.inject({ url: '/things/7', headers: { 'x-correlation-id': 'journey-1' } });
    const made = await app.inject({ url: '/things/7', headers: { 'x-correlation-id': 'a\tb' } });
    expect(given.headers['x-correlation-id']).toBe('journey-1');
    expect(made.headers['x-correlation-id']).toMatch(/^[0-9a-f-]{32,36}$/);
  });

  it('says why it was refused, and is an error only if the service failed', async () => {
    const { app } = await start();
    await app.inject('/nowhere');
    await app.inject('/broken');
    expect(requestLines()).toEqual([
      expect.objectContaining({ level: 'info', status: 404, route: 'unmatched', problem: 'not_found' }),
      expect.objectContaining({ level: 'error', status: 500, route: '/broken', problem: 'internal' }),
    ]);
  });

  it('is measured by route, so that invented paths make no new series', async () => {
    const { app, metrics } = await start();
    for (const path of ['/things/1', '/things/2', '/a', '/b']) await app.inject(path);
    const requests = 'http_server_request_duration_seconds_count';
    expect(await seriesValue(metrics, requests, { method: 'GET', route: '/things/:id', status: '200' })).toBe(
      2,
    );
    expect(await seriesValue(metrics, requests, { method: 'GET', route: 'unmatched', status: '404' })).toBe(
      2,
    );
    expect(await seriesValue(metrics, inFlight)).toBe(0);
  });

  it('is counted by the priority of its operation, as served or as rejected', async () => {
    const { app, metrics } = await start();
    for (const path of ['/things/7', '/nowhere', '/broken', '/report', '/full']) await app.inject(path);
    const { money, interactive, batch } = metrics.totals.priorities;
    expect(interactive.served.view()).toMatchObject({ count: 3, failed: 1 });
    expect(batch.served.view()).toMatchObject({ count: 1, failed: 0 });
    expect([money.served.view().count, money.rejected, interactive.rejected]).toEqual([0, 1, 0]);
    expect(metrics.totals.requests.view().count).toBe(4);
  });

  it('that its caller gave up is counted as 499, and in flight no more', async () => {
    const { app, metrics } = await start();
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    const call = get({ port, path: '/slow', host: '127.0.0.1' });
    call.on('error', () => undefined);
    await vi.waitFor(async () => expect(await seriesValue(metrics, inFlight)).toBe(1));
    call.destroy();
    await vi.waitFor(() => expect(requestLines()).toEqual([expect.objectContaining({ status: 499 })]));
    expect(await seriesValue(metrics, inFlight)).toBe(0);
  });
});
