import { type FaultyProxy, faultyProxy } from '@slipway/platform/testing/faulty-proxy';
import { emulator, newNamespace } from '@slipway/store-datastore/testing/emulator';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { used } from './testing/events.ts';
import { startReporting } from './testing/service.ts';

describe.skipIf(!emulator)('reporting on DATASTORE_EMULATOR_HOST', () => {
  let namespace: ReturnType<typeof newNamespace>;
  let proxy: FaultyProxy;
  let reporting: Awaited<ReturnType<typeof startReporting>>;
  beforeEach(async () => {
    namespace = newNamespace();
    proxy = await faultyProxy(emulator ?? '');
    vi.stubEnv('DATASTORE_EMULATOR_HOST', proxy.address);
    reporting = await startReporting(namespace.url);
    vi.stubEnv('DATASTORE_EMULATOR_HOST', emulator);
  });
  afterEach(async () => {
    await reporting.stop();
    await proxy.close();
    await namespace.drop();
  });

  const events = Array.from({ length: 500 }, () => used({ quantity: 2 }));
  const topUsage = () => reporting.ask('GET', '/api/v1/reports/top-usage?metric=calls');
  const isReady = async () => (await reporting.lifecycle.readiness()).ready;
  const ready = () => vi.waitUntil(isReady, { timeout: 10_000, interval: 50 });

  it.each(['unreachable', 'black hole'] as const)(
    'responds with 503 in bounded time while the store is unreachable (%s), and counts every event once afterwards',
    async (how) => {
      await proxy.set(how);
      const startedAt = performance.now();
      const answers = await Promise.all([reporting.deliver(events), topUsage()]);
      for (const answer of answers) {
        expect(answer.statusCode).toBe(503);
        expect(answer.headers['retry-after']).toBe('1');
        expect(answer.json()).toMatchObject({ code: 'unavailable' });
      }
      expect(await isReady()).toBe(false);
      expect(performance.now() - startedAt).toBeLessThan(4_000);

      await proxy.set('none');
      await ready();
      expect((await reporting.deliver(events)).json()).toEqual({ applied: 500, duplicates: 0, rejected: 0 });
      expect((await topUsage()).json().items).toMatchObject([{ quantity: 1_000, records: 500 }]);
    },
  );

  it('counts every event once if the connection breaks in the middle of a delivery', async () => {
    let statusCode = 0;
    const delivering = reporting.deliver(events).then((answer) => {
      statusCode = answer.statusCode;
    });
    await vi.waitUntil(async () => (await topUsage()).json().items.length > 0, {
      timeout: 10_000,
      interval: 1,
    });
    await proxy.set('unreachable');
    await delivering;
    expect([200, 503]).toContain(statusCode);
    await proxy.set('none');
    await ready();
    const repeated = (await reporting.deliver(events)).json();
    expect(repeated.applied + repeated.duplicates).toBe(500);
    expect((await topUsage()).json().items).toMatchObject([{ quantity: 1_000, records: 500 }]);
    expect((await reporting.ask('POST', '/api/v1/reports/rebuild')).json()).toMatchObject({
      events: 500,
      equal: true,
    });
  });
});
