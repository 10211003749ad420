/** Many viewers of the console, on a real gateway. */
import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { get } from '../support/request.ts';
import { type System, startSystem } from '../support/system.ts';

let system: System;
beforeAll(async () => {
  system = await startSystem({ env: { MAX_VIEWERS: '200', TRUSTED_PROXIES: 'loopback' } });
});
afterAll(() => system?.stop());

let clients = 0;

/** Opens the stream as a client of its own, and counts its readings. */
async function watch() {
  const headers = { 'x-forwarded-for': `192.0.2.${++clients}` };
  const request = httpGet(`${system.base}/api/v1/system/events`, { agent: false, headers });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const viewer = { status: response.statusCode, readings: 0, isOver: false, leave: () => request.destroy() };
  response.on('data', (chunk: Buffer) => {
    viewer.readings += chunk.toString().split('\ndata: ').length - 1;
  });
  response
    .on('error', () => undefined)
    .on('close', () => {
      viewer.isOver = true;
    });
  return viewer;
}

it('200 viewers are served, one more is rejected, and none delays a request or the drain', {
  timeout: 60_000,
}, async () => {
  const viewers = await Promise.all(Array.from({ length: 200 }, watch));
  expect(viewers.map(({ status }) => status)).toEqual(viewers.map(() => 200));
  await expect.poll(() => viewers.every(({ readings }) => readings >= 3), { timeout: 20_000 }).toBe(true);
  expect((await watch()).status).toBe(503);

  const startedAt = performance.now();
  for (let sent = 0; sent < 20; sent += 1) {
    expect((await get(`${system.base}/api/v1/plans`)).status).toBe(200);
    await wait(20);
  }
  expect((performance.now() - startedAt) / 20).toBeLessThan(500);

  const metrics = (await get(`${system.services.gateway.management}/metrics`)).body;
  expect(metrics).toMatch(/^http_server_requests_in_flight\{.*\} 0$/m);
  const drainedAt = performance.now();
  expect((await system.services.gateway.kill('SIGTERM')).code).toBe(0);
  expect(performance.now() - drainedAt).toBeLessThan(5_000);
  await expect.poll(() => viewers.every(({ isOver }) => isOver)).toBe(true);
});
