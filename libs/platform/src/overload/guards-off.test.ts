/** Guards that are switched off for a while, by real requests over real connections. */
import { Agent, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import Fastify from 'fastify';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import type { Served } from '../core/served.ts';
import { registerProblemResponses } from '../http/problem-responses.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { registerGuards } from './guards.ts';

/** More than the concurrency limit of a route. */
const many = 250;
const few = 40;
const patient = { timeout: 30_000, interval: 10 };
const timeout = 90_000;

afterEach(() => vi.restoreAllMocks());

/** A service with a route that holds its requests until `open` is called, and one that computes. */
async function serve() {
  const guards = { areOff: false };
  const app = Fastify({ forceCloseConnections: true });
  const agent = new Agent({ keepAlive: true, maxFreeSockets: many });
  onTestFinished(async () => {
    agent.destroy();
    await app.close();
  });
  const metrics = createMetrics('sample', '1.0.0');
  const { load } = await registerGuards(app, metrics, 'all', () => guards.areOff);
  // With few requests in flight, permits are not needed.
  for (let other = 0; other < 17; other += 1) metrics.inFlight.add({} as Served);
  registerProblemResponses(app);
  let held: (() => void)[] = [];
  app.get('/door', () => new Promise((resolve) => held.push(() => resolve('done'))));
  app.get('/compute', async () => {
    const until = performance.now() + 2;
    while (performance.now() < until);
    return 'done';
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const ask = (path: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      get({ port, path, agent }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode));
      }).once('error', reject);
    });
  const rejected = async () => {
    const { values } = await metrics.rejected.get();
    return values.reduce((sum, { value }) => sum + value, 0);
  };

  return {
    guards,
    ask,
    rejected,
    waiting: () => (load() as { waiting: number }).waiting,
    /** Sends requests to the door; returns how many have passed the guards when all have, or were rejected. */
    async crowd(count: number) {
      const settled = async () => held.length + (await rejected());
      const before = [held.length, await settled()] as const;
      const asked = Promise.all(Array.from({ length: count }, () => ask('/door')));
      await expect.poll(settled, patient).toBe(before[1] + count);
      return { passed: held.length - before[0], asked };
    },
    open() {
      for (const answer of held) answer();
      held = [];
    },
  };
}

it('passes all requests while the guards are off, and has the same permits afterwards', {
  timeout,
}, async () => {
  // The clock stands still, so that a busy machine changes no decision.
  vi.spyOn(performance, 'now').mockReturnValue(0);
  const { guards, crowd, open } = await serve();
  const first = await crowd(many);
  expect(first.passed).toBeLessThan(many);
  guards.areOff = true;
  const second = await crowd(few);
  expect(second.passed).toBe(few);
  // Those that passed have no permits, so they neither take any nor return them.
  guards.areOff = false;
  const third = await crowd(few);
  expect(third.passed).toBe(0);
  open();
  await Promise.all([first.asked, second.asked, third.asked]);
  const last = await crowd(many);
  open();
  await last.asked;
  expect(last.passed).toBe(first.passed);
});

it('answers each request once, and leaves nothing queued, when the guards are switched under load', {
  timeout,
}, async () => {
  const { guards, ask, rejected, waiting } = await serve();
  const asked: Promise<number | undefined>[] = [];
  const seen = { queued: false, direct: false };
  for (let round = 0; round < 15; round += 1) {
    guards.areOff = round % 3 === 2;
    asked.push(...Array.from({ length: 60 }, () => ask('/compute')));
    await wait(5);
    seen.queued ||= waiting() > 0;
    seen.direct ||= guards.areOff;
  }
  guards.areOff = false;
  const statuses = await Promise.all(asked);
  expect(seen).toEqual({ queued: true, direct: true });
  expect(statuses).toHaveLength(900);
  expect(statuses.filter((status) => status === 503)).toHaveLength(await rejected());
  expect(statuses.every((status) => status === 200 || status === 503)).toBe(true);
  expect(waiting()).toBe(0);
  expect(await ask('/compute')).toBe(200);
});
