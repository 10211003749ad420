import type { StoredTrace } from '@slipway/platform/telemetry/trace-ring';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../testing/service.ts';

const { now } = Date;
const [failed, sampled, unknown] = ['a', 'b', 'c'].map((digit) => digit.repeat(32)) as [
  string,
  string,
  string,
];

let gateway: TestGateway;
let admin: { authorization: string };
beforeAll(async () => {
  gateway = await startGateway({
    PAGE_LINKS: 'Metrics=http://localhost:9090/,Traces=http://localhost:9411/zipkin/',
    REPORTING_STATUS_URL: 'http://127.0.0.1:1/status',
  });
  admin = await gateway.bearer('root', 'admin');
});
afterAll(() => gateway.stop());

/** Has a service show traces on its management port. */
function store(service: 'users' | 'billing', traces: unknown[]) {
  const { services } = gateway;
  const usual = services[service].handle;
  services[service].handle = (request, response) => {
    const [, page, id] = request.url?.split('/') ?? [];
    if (page !== 'traces') return usual(request, response);
    const shown = traces.filter((each) => id === undefined || (each as StoredTrace).traceId === id);
    response.writeHead(shown.length ? 200 : 404).end(JSON.stringify({ traces: shown }));
  };
}

const request = { service: 'billing', kind: 'server', name: 'GET /api/v1/plans', ms: 12.345 } as const;

const get = (url: string, headers = {}) =>
  gateway.app.inject({ url: `/api/v1/system/traces${url}`, headers });

describe('the traces of the system', () => {
  it.each(['', `/${failed}`])('are hidden from members and strangers at %s', async (url) => {
    expect((await get(url)).statusCode).toBe(401);
    const answer = await get(url, await gateway.bearer('ada'));
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'forbidden']);
  });

  it('are listed for administrators, without those that were only sampled, whatever a service answers', async () => {
    const startedAt = now();
    store('billing', [
      {
        traceId: failed,
        reason: 'failed',
        isExported: false,
        spans: [{ ...request, spanId: '1', startedAt, status: 500 }],
      },
      {
        traceId: sampled,
        reason: 'sampled',
        isExported: true,
        spans: [{ ...request, spanId: '2', startedAt }],
      },
    ]);
    store('users', [{ traceId: unknown, reason: 'because', spans: 'none' }]);
    const { items } = (await get('', admin)).json();
    expect(items).toEqual([
      {
        traceId: failed,
        reason: 'failed',
        startedAt: new Date(startedAt).toISOString(),
        name: 'GET /api/v1/plans',
        services: ['billing'],
        status: 500,
        ms: 12.35,
      },
    ]);
  });

  it('join what this process and the others have stored, without looks at traces', async () => {
    const { services, app } = gateway;
    services.billing.handle = (_request, response) => response.writeHead(500).end('{}');
    await app.inject({ url: '/api/v1/plans' });
    const [first, ...others] = (await get('', admin)).json().items;
    expect(first).toMatchObject({ reason: 'failed', status: 500, services: ['gateway'] });
    expect(others).toEqual([]);
    const { traceId } = first;
    const startedAt = now();
    store('billing', [
      {
        traceId,
        reason: 'failed',
        isExported: true,
        spans: [{ ...request, spanId: '3', parentId: 'x', startedAt }],
      },
    ]);
    const trace = (await get(`/${traceId}`, admin)).json();
    expect(trace).toMatchObject({
      services: ['gateway', 'billing'],
      zipkin: `http://localhost:9411/zipkin/traces/${traceId}`,
    });
    expect(trace.spans).toMatchObject([
      {
        name: 'GET /api/v1/plans',
        service: 'gateway',
        depth: 0,
        offsetMs: 0,
        file: 'apps/gateway/src/routes/forwarded.ts',
      },
      {
        name: 'billing listPlans',
        kind: 'client',
        peer: 'billing',
        depth: 1,
        file: 'apps/gateway/src/forward.ts',
      },
      { service: 'billing', depth: 2, ms: 12.35 },
    ]);
  });

  it('are not found if nothing is stored, and their ids are checked', async () => {
    expect((await get(`/${unknown}`, admin)).json()).toMatchObject({ status: 404, code: 'not_found' });
    expect((await get('/..%2Fmetrics', admin)).statusCode).toBe(400);
  });

  it('have no link to Zipkin if no span was exported', async () => {
    const reason = 'slow';
    store('users', [
      { traceId: sampled, reason, isExported: false, spans: [{ ...request, spanId: '4', startedAt: now() }] },
    ]);
    expect((await get(`/${sampled}`, admin)).json()).not.toHaveProperty('zipkin');
  });

  it("include an administrator's requests", async () => {
    const { app } = gateway;
    await app.inject({ url: '/api/v1/users', headers: admin });
    const { items } = (await get('', admin)).json();
    expect(items).toContainEqual(
      expect.objectContaining({ reason: 'administrator', name: 'GET /api/v1/users' }),
    );
    const { traceparent = '' } =
      gateway.services.users.seen.findLast(({ url }) => url === '/api/v1/users')?.headers ?? {};
    expect(traceparent).toMatch(/-01$/);
  });
});
