import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { newEvent } from '@slipway/platform/events/new-event';
import { buildService } from '@slipway/platform/service/service';
import { readSettings } from '@slipway/platform/service/settings';
import { type FaultyProxy, faultyProxy } from '@slipway/platform/testing/faulty-proxy';
import { openMongo } from '@slipway/store-mongodb/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { users } from '../app.ts';
import { openStore } from './open.ts';

const server = process.env.TEST_MONGODB_URL;

describe.skipIf(!server)('users during outages of MongoDB', () => {
  let proxy: FaultyProxy;
  let url: string;
  beforeAll(async () => {
    proxy = await faultyProxy(new URL(server ?? '').host);
    url = `mongodb://${proxy.address}/users-${randomUUID()}`;
  });
  afterAll(async () => {
    const { db, close } = await openMongo(url, []);
    await db.dropDatabase();
    await close();
    await proxy.close();
  });

  it('is alive but not ready, responds 503 in time, and recovers without a restart', async () => {
    const settings = readSettings(users.settings, {
      STORE_URL: url,
      SERVICE_TOKEN: 'secret-between-services',
      REPORTING_URL: 'http://127.0.0.1:9',
      LOG_LEVEL: 'silent',
    });
    const { app, management, lifecycle } = await buildService(users, settings);
    lifecycle.advance('ready');
    await once(management.listen(0, '127.0.0.1'), 'listening');
    const { port } = management.address() as AddressInfo;
    const status = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
    const signUp = () =>
      app.inject({
        method: 'POST',
        url: '/api/v1/users',
        payload: { email: `${randomUUID()}@example.com`, password: 'a long password', name: 'Ada' },
      });

    expect(await status('/status')).toBe(200);
    expect((await signUp()).statusCode).toBe(201);
    for (const fault of ['unreachable', 'black hole'] as const) {
      await proxy.set(fault);
      const startedAt = performance.now();
      const answer = await signUp();
      expect(performance.now() - startedAt).toBeLessThan(4_000);
      expect(answer.json()).toMatchObject({ status: 503, code: 'unavailable' });
      expect(answer.headers['retry-after']).toBe('1');
      expect(await status('/health')).toBe(200);
      expect(await status('/status')).toBe(503);

      await proxy.set('none');
      await expect.poll(() => status('/status'), { timeout: 10_000 }).toBe(200);
      expect((await signUp()).statusCode).toBe(201);
    }
    management.close();
    await app.close();
  });

  it('loses nothing that it acknowledged, and stores one event for each account', async () => {
    const store = await openStore(url);
    const created: string[] = [];
    const signUp = async (id: string) => {
      const account = { email: `${id}@example.com`, name: 'Ada', passwordHash: '', passwordVersion: 1 };
      const event = newEvent('users', 'user.signed_up', {}, `up:${id}`);
      const next = { ...account, id, createdAt: event.at, version: 1 };
      await store.accounts.add({ next, events: [event] });
      created.push(id);
    };
    for (const fault of ['reset', 'none', 'unreachable', 'none', 'reset', 'none'] as const) {
      await proxy.set(fault);
      await Promise.allSettled(Array.from({ length: 20 }, () => signUp(randomUUID())));
    }
    await expect.poll(() => store.ping().then(() => 'there'), { timeout: 10_000 }).toBe('there');
    expect(created.length).toBeGreaterThan(0);

    const told = (await store.outbox.pending(1_000)).map(({ id }) => id).filter((id) => id.startsWith('up:'));
    expect(told).toHaveLength(new Set(told).size);
    for (const id of created) {
      expect(await store.accounts.get(id)).toBeDefined();
      expect(told).toContain(`up:${id}`);
    }
    // A write that was not acknowledged may have happened, but only as a whole.
    for (const id of told) expect(await store.accounts.get(id.slice(3))).toBeDefined();
    await store.close();
  });
});
