import type { ServerResponse } from 'node:http';
import { startServer } from '@slipway/platform/testing/http-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LoadGenerator } from './load-generator.ts';

const patient = { timeout: 30_000, interval: 20 };

/** Starts a server, and the generator of a load that requests `/<priority>` from it. */
async function setUp(answer: (response: ServerResponse, url: string) => void, maxInFlight?: number) {
  const seen = { inFlight: 0, peak: 0, urls: [] as string[], tokens: new Set<string | undefined>() };
  const server = await startServer(({ url = '', headers: { authorization } }, response) => {
    seen.urls.push(url);
    seen.tokens.add(authorization);
    seen.inFlight += 1;
    seen.peak = Math.max(seen.peak, seen.inFlight);
    response.once('close', () => {
      seen.inFlight -= 1;
    });
    answer(response, url);
  });
  const load = new LoadGenerator({
    addressOf: () => server.origin,
    pathOf: (priority) => `/${priority}`,
    token: 'a-token',
    log: { error: (error: unknown) => expect.fail(String(error)) },
    maxInFlight,
  });
  onTestFinished(async () => {
    load.close();
    await server.stop();
  });
  const counts = () => load.state ?? expect.fail('there is no load');
  const isOver = () => expect.poll(() => load.state?.isRunning, patient).toBe(false);
  return { load, seen, server, counts, isOver };
}

const never = () => undefined;

describe('a load', () => {
  it('is sent at its rate for its time, with all priorities and the token, and ends by itself', async () => {
    const { load, seen, counts, isOver } = await setUp((response) => response.end());
    await load.start({ service: 'users', requestsPerSecond: 50, seconds: 2 });
    expect(counts()).toMatchObject({ isRunning: true, service: 'users', requestsPerSecond: 50 });
    await isOver();
    expect(counts()).toMatchObject({ sent: 100, answered: 100, rejected: 0, late: 0, failed: 0, unsent: 0 });
    expect(Object.groupBy(seen.urls, (url) => url)).toMatchObject({
      '/interactive': { length: 60 },
      '/batch': { length: 30 },
      '/money': { length: 10 },
    });
    expect([...seen.tokens]).toEqual(['Bearer a-token']);
  });

  it('does not wait for responses: a server that never responds gets the same requests', async () => {
    const { load, counts, seen, isOver } = await setUp(never);
    await load.start({ service: 'users', requestsPerSecond: 100, seconds: 2 });
    await isOver();
    expect(counts()).toMatchObject({ sent: 200, late: 200, answered: 0 });
    expect(seen.urls).toHaveLength(200);
    // All of one second.
    expect(seen.peak).toBeGreaterThan(50);
  });

  it('counts how its requests ended', async () => {
    const { load, counts, isOver } = await setUp((response, url) => {
      if (url === '/batch') response.writeHead(503).end();
      else if (url === '/money') response.socket?.destroy();
      else response.end();
    });
    await load.start({ service: 'users', requestsPerSecond: 100, seconds: 1 });
    await isOver();
    expect(counts()).toMatchObject({ sent: 100, answered: 60, rejected: 30, failed: 10, late: 0 });
  });

  it('has a maximum of requests in flight, and counts those that it did not send', async () => {
    const { load, counts, seen, isOver } = await setUp(never, 20);
    await load.start({ service: 'users', requestsPerSecond: 100, seconds: 2 });
    await isOver();
    const { sent, unsent, late } = counts();
    expect(unsent).toBeGreaterThan(0);
    expect(sent + unsent).toBe(200);
    expect(late).toBe(sent);
    expect(seen.peak).toBe(20);
  });

  it('ends at once when it is stopped, with its requests in flight', async () => {
    const { load, counts, seen } = await setUp(never);
    await load.start({ service: 'users', requestsPerSecond: 20, seconds: 300 });
    await expect.poll(() => seen.inFlight, patient).toBeGreaterThan(0);
    load.stop();
    expect(counts().isRunning).toBe(false);
    await expect.poll(() => seen.inFlight, patient).toBe(0);
  });

  it('is replaced by a new one', async () => {
    const { load, counts, seen } = await setUp((response) => response.end());
    await load.start({ service: 'users', requestsPerSecond: 10, seconds: 300 });
    await expect.poll(() => seen.urls.length, patient).toBeGreaterThan(0);
    await load.start({ service: 'users', requestsPerSecond: 20, seconds: 1 });
    await expect.poll(() => counts().isRunning, patient).toBe(false);
    expect(counts()).toMatchObject({ requestsPerSecond: 20, sent: 20 });
  });

  it('is not started by a gateway that drains', async () => {
    const { load, seen } = await setUp((response) => response.end());
    await load.start({ service: 'users', requestsPerSecond: 10, seconds: 300 });
    load.close();
    expect(load.state?.isRunning).toBe(false);
    const starting = load.start({ service: 'users', requestsPerSecond: 10, seconds: 1 });
    await expect(starting).rejects.toMatchObject({ code: 'unavailable' });
    const { length } = seen.urls;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(seen.urls.length - length).toBeLessThan(5);
  });
});
