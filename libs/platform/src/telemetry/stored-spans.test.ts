import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { registerAccess } from '../http/access.ts';
import { defineService, type Service } from '../service/service.ts';
import { platformSettings } from '../service/settings.ts';
import { buildTestService } from '../testing/service.ts';
import { startZipkin } from '../testing/zipkin.ts';
import { withSpan, withTraceOf } from './spans.ts';
import { outgoingHeaders } from './trace-context.ts';
import type { StoredTrace } from './trace-ring.ts';
import type { Tracing } from './tracing.ts';

const traceId = '1'.repeat(32);
const callerId = '2'.repeat(16);
const sampled = { traceparent: `00-${traceId}-${callerId}-01` };
const unsampled = { traceparent: `00-${traceId}-${callerId}-00` };
const admin = { authorization: 'Bearer admin' };
const member = { authorization: 'Bearer member' };

let service: Service | undefined;
let tracing: Tracing;
afterEach(async () => {
  await service?.app.close();
  service = undefined;
});

const call = () =>
  withSpan({ name: 'others getOther', kind: 'client', peer: 'others' }, async () => outgoingHeaders(100));

const sample = (isPublic: boolean) =>
  defineService({
    name: 'sample',
    version: '1.2.3',
    isPublic,
    settings: platformSettings,
    openStore: () => ({
      server: 'mongodb',
      ping: async () => undefined,
      close: async () => undefined,
      find: async (id: string) => ({ id }),
      lose: async () => {
        throw new Error('a secret sentence');
      },
    }),
    register(app, context) {
      ({ tracing } = context);
      const { store } = context;
      app.get('/things/:id', async (request) => store.find((request.params as { id: string }).id));
      app.get('/broken/:id', () => store.lose());
      app.get('/calls', call);
      app.get('/calls-and-fails', async (_request, reply) => reply.code(500).send(await call()));
      app.get('/late', async () => wait(60, {}));
      app.get('/event', async () => {
        const event = { trace: sampled.traceparent, source: 'shop' };
        await withTraceOf(event, 'event paid', () => store.find('7'));
        return {};
      });
      app.register(async (api) => {
        const verify = async (token: string) => ({
          subject: 'ada',
          roles: token === 'admin' ? ['admin'] : [],
        });
        registerAccess(api as never, { verify });
        api.get('/me', { config: { access: 'member' } as object }, call);
      });
    },
  });

async function start(env: Record<string, string> = {}, isPublic = false) {
  service = await buildTestService(sample(isPublic), { TRACE_SLOW_MS: '50', ...env });
  return service.app;
}

const stored = () => tracing.traces.list().flatMap((each) => tracing.traces.find(each.traceId));
const namesOf = ({ spans }: StoredTrace) => spans.map(({ name }) => name);

describe('without an exporter, a service stores', () => {
  it('a failed request with the work below it, from which source files it comes, and no personal data', async () => {
    const app = await start();
    await app.inject({ url: '/broken/swordfish?mail=swordfish', headers: { authorization: 'swordfish' } });
    const [trace, ...others] = stored();
    expect(others).toEqual([]);
    expect(trace).toMatchObject({ reason: 'failed', isExported: false });
    const [request, store] = trace?.spans ?? [];
    expect(request).toMatchObject({
      name: 'GET /broken/:id',
      kind: 'server',
      status: 500,
      error: 'internal',
    });
    expect(request?.file).toBe('libs/platform/src/telemetry/stored-spans.test.ts');
    expect(request).toMatchObject({ service: 'sample', parentId: undefined });
    expect(store).toMatchObject({ name: 'store lose', kind: 'client', peer: 'mongodb', error: 'Error' });
    expect(store).toMatchObject({ parentId: request?.spanId, service: 'sample' });
    expect(JSON.stringify(trace)).not.toMatch(/swordfish|secret/);
  });

  it('a slow request with the time that it took', async () => {
    const app = await start();
    const before = Date.now();
    await app.inject('/late');
    const [trace] = stored();
    expect(trace).toMatchObject({ reason: 'slow', spans: [{ name: 'GET /late', status: 200 }] });
    // The clocks of the span and of this test agree to some milliseconds.
    expect(trace?.spans[0]?.startedAt).toBeGreaterThan(before - 20);
    expect(trace?.spans[0]?.ms).toBeGreaterThanOrEqual(50);
  });

  it('nothing of a request that is neither', async () => {
    const app = await start();
    await app.inject('/things/7');
    await app.inject({ url: '/things/7', headers: unsampled });
    expect((await app.inject('/nowhere')).statusCode).toBe(404);
    expect(stored()).toEqual([]);
  });

  it('at most ten failed and slow requests a second', async () => {
    const app = await start();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
    for (let request = 0; request < 10; request += 1) await app.inject('/broken/7');
    await app.inject('/calls-and-fails');
    clock.mockRestore();
    expect(new Set(stored().flatMap(namesOf))).toEqual(new Set(['GET /broken/:id', 'store lose']));
  });

  it.each([
    ['OTEL_SDK_DISABLED', 'true'],
    ['OTEL_TRACES_SAMPLER', 'always_off'],
  ])('nothing with %s=%s', async (name, value) => {
    const app = await start({ [name]: value });
    await app.inject('/broken/7');
    await app.inject({ url: '/calls', headers: sampled });
    expect(stored()).toEqual([]);
  });
});

describe('a sampled trace in a service without an exporter', () => {
  it('is stored, and goes on below the span of the call', async () => {
    const app = await start();
    const { traceparent } = (await app.inject({ url: '/calls', headers: sampled })).json();
    const [trace] = stored();
    expect(trace).toMatchObject({ traceId, reason: 'sampled' });
    const [request, call] = trace?.spans ?? [];
    expect(request).toMatchObject({ parentId: callerId });
    expect(request?.spanId).not.toBe(callerId);
    expect(call).toMatchObject({ name: 'others getOther', peer: 'others', parentId: request?.spanId });
    expect(traceparent).toBe(`00-${traceId}-${call?.spanId}-01`);
  });

  it('is also stored where its event has an effect, with the work on it', async () => {
    const app = await start();
    await app.inject('/event');
    const [trace] = stored();
    expect(trace).toMatchObject({ traceId, reason: 'sampled' });
    const [event, store] = trace?.spans ?? [];
    expect(event).toMatchObject({ name: 'event paid', kind: 'consumer', parentId: callerId, peer: 'shop' });
    expect(store).toMatchObject({ name: 'store find', parentId: event?.spanId });
  });
});

it('a trace that is not sampled goes on as it came, also below the span of a call', async () => {
  const app = await start();
  const { traceparent } = (await app.inject({ url: '/calls-and-fails', headers: unsampled })).json();
  expect(traceparent).toBe(unsampled.traceparent);
  expect(stored().map(namesOf)).toEqual([['GET /calls-and-fails', 'others getOther']]);
});

describe('a public service without an exporter', () => {
  it('does not let its client sample a trace, but continues it', async () => {
    const app = await start({}, true);
    const { traceparent } = (await app.inject({ url: '/calls', headers: sampled })).json();
    expect(traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    expect(traceparent).not.toContain(callerId);
    expect(stored()).toEqual([]);
  });

  it('samples the trace of an administrator, and no other', async () => {
    const app = await start({}, true);
    const own = (await app.inject({ url: '/me', headers: { ...sampled, ...member } })).json();
    expect(own.traceparent).toMatch(/-00$/);
    expect(stored()).toEqual([]);
    const { traceparent } = (await app.inject({ url: '/me', headers: { ...unsampled, ...admin } })).json();
    const [trace] = stored();
    expect(trace).toMatchObject({ traceId, reason: 'administrator' });
    expect(traceparent).toBe(`00-${traceId}-${trace?.spans[1]?.spanId}-01`);
    expect(trace?.spans).toMatchObject([
      { name: 'GET /me', parentId: callerId },
      { name: 'others getOther' },
    ]);
  });

  it('gives the request the id that the next service sees as that of the parent', async () => {
    const app = await start({}, true);
    const { traceparent } = (await app.inject({ url: '/calls-and-fails', headers: sampled })).json();
    expect(traceparent).toBe(`00-${traceId}-${stored()[0]?.spans[0]?.spanId}-00`);
  });
});

describe('with an exporter, a service stores', () => {
  async function exporting(ratio: string, isPublic = false) {
    const zipkin = await startZipkin();
    const app = await start(
      {
        OTEL_TRACES_EXPORTER: 'zipkin',
        OTEL_EXPORTER_ZIPKIN_ENDPOINT: zipkin.endpoint,
        OTEL_TRACES_SAMPLER_ARG: ratio,
      },
      isPublic,
    );
    return { app, zipkin };
  }

  it('the spans that it exports, with the same ids', async () => {
    const { app, zipkin } = await exporting('1');
    await app.inject('/broken/7');
    const [trace] = stored();
    await app.close();
    expect(trace).toMatchObject({ reason: 'failed', isExported: true });
    const ids = trace?.spans.map(({ spanId, parentId }) => [spanId, parentId]);
    expect(zipkin.spans.map(({ id, parentId }) => [id, parentId]).reverse()).toEqual(ids);
    await zipkin.stop();
  });

  it('also the calls of a failed request of which it exports the request alone, and calls carry its id', async () => {
    const { app, zipkin } = await exporting('0');
    const { traceparent } = (await app.inject('/calls-and-fails')).json();
    const [trace] = stored();
    await app.close();
    expect(zipkin.spans.map(({ name }) => name)).toEqual(['GET /calls-and-fails']);
    expect(trace && namesOf(trace)).toEqual(['GET /calls-and-fails', 'others getOther']);
    expect(traceparent).toBe(`00-${zipkin.spans[0]?.traceId}-${zipkin.spans[0]?.id}-00`);
    await zipkin.stop();
  });

  it("its part of an administrator's request, without sampling it", async () => {
    const { app, zipkin } = await exporting('0', true);
    const { traceparent } = (await app.inject({ url: '/me', headers: admin })).json();
    expect(traceparent).toMatch(/-00$/);
    expect(stored()).toMatchObject([{ reason: 'administrator', isExported: false, spans: { length: 2 } }]);
    await app.close();
    expect(zipkin.spans).toEqual([]);
    await zipkin.stop();
  });
});
