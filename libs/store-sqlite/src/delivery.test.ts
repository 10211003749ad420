import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { createUpstream } from '@slipway/platform/calls/upstream';
import { deliverTo } from '@slipway/platform/events/inbox';
import { newEvent } from '@slipway/platform/events/new-event';
import { buildService } from '@slipway/platform/service/service';
import { platformSettings, readSettings } from '@slipway/platform/service/settings';
import { createMetrics } from '@slipway/platform/telemetry/metrics';
import { inject } from '@slipway/platform/testing/inject';
import { seriesValue } from '@slipway/platform/testing/metrics';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defineCounter, shop } from './delivery.fixture.ts';

let folder: string;
const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-'));
});
afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
  rmSync(folder, { recursive: true });
});

/** Waits until a check passes; a busy machine may need seconds. */
const soon = (check: () => unknown) => vi.waitFor(check, { timeout: 60_000, interval: 20 });

/** A counter that can go down and come up again at the same address, with the same store. */
function makeCounter() {
  const { definition, counted, events } = defineCounter();
  let port = 0;
  const start = async () => {
    const { app } = await buildService(definition, readSettings(platformSettings, { LOG_LEVEL: 'silent' }));
    await app.listen({ port, host: '127.0.0.1' });
    port = (app.server.address() as AddressInfo).port;
    cleanups.push(() => app.close());
    return { stop: () => app.close(), address: `http://127.0.0.1:${port}` };
  };
  return { start, counted, events };
}

async function startShop(counter: string) {
  const settings = { STORE_URL: `sqlite:${folder}/shop.db`, COUNTER_URL: counter, LOG_LEVEL: 'silent' };
  const service = await buildService(shop, readSettings(shop.settings, settings));
  cleanups.push(() => service.app.close());
  const order = async (item: string, key = item) => {
    const headers = { 'idempotency-key': key };
    const answer = await inject(service, { method: 'POST', url: '/orders', headers, payload: { item } });
    expect(answer.statusCode).toBe(201);
  };
  return { ...service, order };
}

const items = (count: number) => Array.from({ length: count }, (_, n) => `item-${n}`);

describe('events from one service to another', { timeout: 90_000 }, () => {
  it('wait while the reader is down, and are all applied once, in order, when it is up', async () => {
    const counter = makeCounter();
    const { stop, address } = await counter.start();
    await stop();
    const { order, store, metrics } = await startShop(address);
    for (const item of items(120)) await order(item);
    const failed = () => seriesValue(metrics, 'outbox_deliveries_total', { outcome: 'failed' });
    await soon(async () => expect(await failed()).toBeGreaterThan(1));
    expect(await store.outbox.backlog()).toMatchObject({ depth: 120 });
    await counter.start();
    await soon(async () => expect(await store.outbox.backlog()).toEqual({ depth: 0 }));
    expect(counter.counted.items).toEqual(items(120));
  });

  it('are applied once when two replicas relay the same', async () => {
    const counter = makeCounter();
    const { stop, address } = await counter.start();
    await stop();
    const replicas = [await startShop(address), await startShop(address)];
    for (const [n, item] of items(60).entries()) await replicas[n % 2]?.order(item);
    await counter.start();
    for (const { store } of replicas) {
      await soon(async () => expect(await store.outbox.backlog()).toEqual({ depth: 0 }));
    }
    expect(counter.counted.items.toSorted()).toEqual(items(60).toSorted());
  });

  it('that are rejected are listed, delay no other, and are delivered again when the reader is repaired', async () => {
    const counter = makeCounter();
    const { address } = await counter.start();
    const { order } = await startShop(address);
    counter.counted.reject.add('item-1');
    for (const item of items(3)) await order(item);
    await soon(() => expect(counter.counted.items).toEqual(['item-0', 'item-2']));
    const [letter] = await counter.events.deadLetters(10);
    expect(letter).toMatchObject({ reason: 'item-1 is unknown', event: { data: { item: 'item-1' } } });
    counter.counted.reject.clear();
    const id = letter?.event.id ?? '';
    expect(await counter.counted.inbox?.redeliver(id)).toEqual({ outcome: 'applied' });
    expect(await counter.events.deadLetters(10)).toEqual([]);
    expect(counter.counted.items).toEqual(['item-0', 'item-2', 'item-1']);
  });
});

describe('a delivery to a reader that never answers', () => {
  async function startSilentReader() {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    cleanups.push(
      () => silent.close(),
      () => silent.closeAllConnections(),
    );
    return { silent, address: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` };
  }

  it('ends with its signal', async () => {
    const { address } = await startSilentReader();
    const metrics = createMetrics('test', '1.0.0');
    const reader = createUpstream({ name: 'reader', address, metrics });
    cleanups.push(() => reader.close());
    const stop = new AbortController();
    const deliver = deliverTo(reader, 'token-of-the-services');
    const delivery = deliver([newEvent('test', 'it.happened', {})], stop.signal);
    stop.abort(new Error('the service stops'));
    await expect(delivery).rejects.toThrow('the service stops');
  });

  it('delays a stop by about a second', async () => {
    const { silent, address } = await startSilentReader();
    const { app, order } = await startShop(address);
    const delivery = once(silent, 'request');
    await order('item');
    await delivery;
    const startedAt = performance.now();
    await app.close();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });
});

/** Starts the shop as a process; resolves with its address when it is ready. */
async function spawnShop(counter: string): Promise<{ process: ChildProcess; address: string }> {
  const script = `${import.meta.dirname}/delivery-shop.fixture.ts`;
  const env = {
    STORE_URL: `sqlite:${folder}/shop.db`,
    COUNTER_URL: counter,
    PORT: '0',
    MANAGEMENT_PORT: '0',
    REQUEST_TIMEOUT_MS: '2000',
  };
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  cleanups.push(() => child.kill('SIGKILL'));
  const address = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the shop did not start')));
    createInterface(child.stdout).on('line', (line) => {
      const [, found] = /ready.*(http:[^"]+)/.exec(line) ?? [];
      if (found) resolve(found);
    });
  });
  return { process: child, address };
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

function post(address: string, key: string, body: object): Promise<Response> {
  const headers = { 'idempotency-key': key, 'content-type': 'application/json' };
  return fetch(`${address}/orders`, { method: 'POST', headers, body: JSON.stringify(body) });
}

describe('a publisher that is killed', { timeout: 120_000 }, () => {
  it('loses nothing that it acknowledged, and does nothing twice when requests are repeated', async () => {
    const counter = makeCounter();
    const { address } = await counter.start();
    let shop = await spawnShop(address);
    let placed = 0;

    /** Places an order, repeating it with its key whatever happens, until it is acknowledged. */
    const insist = async (item: string) => {
      for (;;) {
        const answer = await post(shop.address, item, { item }).catch(() => undefined);
        if (answer?.status === 201) break;
        await wait(50);
      }
      placed += 1;
    };
    const queue = items(300);
    const customers = Array.from({ length: 8 }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await insist(item);
    });
    for (const milestone of [50, 150]) {
      await soon(() => expect(placed).toBeGreaterThan(milestone));
      await kill(shop.process);
      shop = await spawnShop(address);
    }
    await Promise.all(customers);
    await soon(() => expect(counter.counted.items.length).toBeGreaterThanOrEqual(300));
    await kill(shop.process);
    expect(counter.counted.items.toSorted()).toEqual(items(300).toSorted());
  });

  it('between an effect and its response finds the effect when the request is repeated', async () => {
    const counter = makeCounter();
    const { address } = await counter.start();
    let shop = await spawnShop(address);
    const staleAt = Date.now() + 2_000 + 5_000; // the request's timeout and the margin after it, at the earliest
    const lost = post(shop.address, 'key', { item: 'tea', thenHang: true }).catch(() => 'lost');
    await soon(() => expect(counter.counted.items).toEqual(['tea']));
    await kill(shop.process);
    expect(await lost).toBe('lost');

    shop = await spawnShop(address);
    const early = new Set<number>();
    const late = new Set<number>();
    await soon(async () => {
      const { status } = await post(shop.address, 'key', { item: 'tea', thenHang: true });
      (Date.now() < staleAt ? early : late).add(status);
      expect(status).toBe(201);
    });
    // In flight, for all that is known, until the reservation of the lost request is stale.
    for (const status of early) expect(status).toBe(409);
    for (const status of late) expect([409, 201]).toContain(status);
    expect((await post(shop.address, 'next', { item: 'milk' })).status).toBe(201);
    await soon(() => expect(counter.counted.items).toContain('milk'));
    expect(counter.counted.items).toEqual(['tea', 'milk']);
  });
});
