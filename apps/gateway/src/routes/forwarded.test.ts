import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { toDocument } from '@slipway/contract-kit/problem';
import { problem } from '@slipway/contracts/errors';
import { operations } from '@slipway/contracts/operations';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../testing/service.ts';
import { upstreamNames } from '../upstreams.ts';

let gateway: TestGateway;
let admin: { authorization: string };
let member: { authorization: string };

beforeAll(async () => {
  gateway = await startGateway();
  admin = await gateway.bearer('root', 'member', 'admin');
  member = await gateway.bearer('ada', 'member');
});
afterAll(() => gateway.stop());
beforeEach(() => {
  for (const { seen } of Object.values(gateway.services)) seen.length = 0;
});

const forwardedCount = () => Object.values(gateway.services).flatMap(({ seen }) => seen).length;

/** Sends a request line as it is: clients tidy paths before they send them. */
async function raw(method: string, target: string): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(gateway.base);
  const socket = connect(Number(port), hostname);
  socket.write(
    `${method} ${target} HTTP/1.1\r\nhost: x\r\nauthorization: ${admin.authorization}\r\nconnection: close\r\n\r\n`,
  );
  const answer = await text(socket);
  return { status: Number(answer.split(' ')[1]), text: answer };
}

const forwardedOnes = upstreamNames.flatMap((service) =>
  operations[service]
    .filter(({ schema }) => schema.operationId !== 'deleteMe')
    .map((operation) => ({ service, operation, id: operation.schema.operationId })),
);

describe('routing', () => {
  it.each(forwardedOnes)('leads $id to $service', async ({ service, operation }) => {
    const url = operation.url.replace(/:\w+/g, 'id_1');
    const answer = await gateway.app.inject({ method: operation.method, url, headers: admin });
    expect(answer.statusCode).toBe(200);
    const path = '/.well-known/jwks.json';
    if (url !== path) expect(answer.json()).toMatchObject({ service, method: operation.method, url });
  });

  it.each([
    ['POST', '/api/v1/billing-account/close'],
    ['POST', '/api/v1/invoices/i1/write-off'],
    ['POST', '/api/v1/payments/p1/refunds'],
  ] as const)('%ss %s only if users says that the session has not ended', async (method, url) => {
    const { users, billing } = gateway.services;
    const { handle } = users;
    users.handle = (request, response) => {
      if (request.url !== '/api/v1/sessions/current') return handle(request, response);
      const ended = toDocument(problem('unauthenticated'));
      response.writeHead(401).end(JSON.stringify(ended));
    };
    const before = billing.seen.length;
    const answer = await gateway.app.inject({ method, url, headers: admin });
    users.handle = handle;
    expect(answer.statusCode).toBe(401);
    expect(billing.seen).toHaveLength(before);
  });

  it('answers the public operations of the gateway itself', async () => {
    // A stream does not end; tests of the console read it.
    const answered = operations.gateway.filter(
      ({ config }) => config.access === 'public' && !('isStream' in config),
    );
    for (const { method, url } of answered) {
      expect((await gateway.app.inject({ method, url })).statusCode).toBe(200);
    }
  });

  it('passes the query on as it is', async () => {
    const url = '/api/v1/plans?limit=2&cursor=a%2Fb&x=%20';
    expect((await gateway.app.inject(url)).json()).toMatchObject({ url });
  });

  it.each([
    '/internal/v1/events',
    '/api/v1/internal',
    '/api/v1/users/1',
    '/api/v2/plans',
    '/metrics',
    '/status',
    '/API/v1/plans',
  ])('leads %s nowhere', async (url) => {
    for (const method of ['GET', 'POST'] as const) {
      const answer = await gateway.app.inject({ method, url, headers: admin });
      expect(answer.statusCode).toBe(404);
      expect(answer.json()).toMatchObject({ code: 'not_found' });
    }
    expect(forwardedCount()).toBe(0);
  });

  it.each([
    '/api/v1/users/..%2f..%2finternal',
    '/api/v1/users/..%2f..%2finternal/roles',
    '/api/v1/subscriptions/..%2f..%2finternal',
    '/api/v1/subscriptions/..%2F..%2Finternal%2Fv1%2Fevents',
    '/api/v1/subscriptions/..%5c..%5cinternal',
    '/api/v1/subscriptions/..',
    '/api/v1/subscriptions/%2e%2e/cancel',
    '/api/v1/subscriptions/../../../internal/v1/events',
    '/api/v1/subscriptions/a%00b',
    '/api/v1/subscriptions//cancel',
    '/api/v1/plans#/../../internal',
    '//internal/v1/events',
    '/api/v1/../../internal/v1/events',
    'http://127.0.0.1/internal/v1/events',
  ])('refuses the path %s', async (target) => {
    const answer = await raw('GET', target);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(406);
    expect(answer.text).toContain('application/problem+json');
    expect(forwardedCount()).toBe(0);
  });

  it('names what it refuses in a path', async () => {
    const answer = await gateway.app.inject({ url: '/api/v1/subscriptions/a%2fb', headers: admin });
    expect(answer.json()).toMatchObject({
      code: 'invalid_request',
      errors: [{ field: 'path', message: 'must not contain dot segments or encoded slashes' }],
    });
  });

  it('says which methods a path takes', async () => {
    for (const method of ['PUT', 'OPTIONS'] as const) {
      const answer = await gateway.app.inject({ method, url: '/api/v1/subscriptions/abc', headers: admin });
      expect(answer.statusCode).toBe(405);
      expect(answer.json()).toMatchObject({ code: 'method_not_allowed' });
      expect(String(answer.headers.allow).split(', ').sort()).toEqual(['GET', 'HEAD', 'PATCH']);
    }
    expect(forwardedCount()).toBe(0);
  });

  it('answers HEAD like GET, without a body', async () => {
    const answer = await raw('HEAD', '/api/v1/plans');
    expect(answer.status).toBe(200);
    expect(answer.text.split('\r\n\r\n')[1]).toBe('');
    expect(gateway.services.billing.seen).toMatchObject([{ method: 'HEAD', url: '/api/v1/plans' }]);
  });
});

describe('access', () => {
  const refused = async (url: string, headers: Record<string, string>) => {
    const answer = await gateway.app.inject({ url, headers });
    return { status: answer.statusCode, ...answer.json(), forwarded: forwardedCount() };
  };

  it('is checked before anything is passed on', async () => {
    const url = '/api/v1/invoices';
    expect(await refused(url, {})).toMatchObject({ status: 401, code: 'unauthenticated', forwarded: 0 });
    expect(await refused(url, { authorization: 'Bearer a.b.c' })).toMatchObject({
      status: 401,
      forwarded: 0,
    });
    const report = await refused('/api/v1/reports/revenue', member);
    expect(report).toMatchObject({ status: 403, code: 'forbidden', forwarded: 0 });
  });

  it('is proved to the service with the same token', async () => {
    const answer = await gateway.app.inject({ url: '/api/v1/invoices', headers: member });
    expect(answer.json().headers).toMatchObject(member);
  });
});

describe('metrics', () => {
  it('show a forwarded operation at 0 before anybody has called it', async () => {
    const fresh = await startGateway();
    const lines = (await fresh.metrics.text()).split('\n');
    await fresh.stop();
    for (const status of ['201', '500', '503']) {
      const labels = `method="POST",route="/api/v1/subscriptions",status="${status}"`;
      const counted = lines.find((line) => line.includes('_seconds_count{') && line.includes(labels));
      expect(counted, status).toMatch(/ 0$/);
    }
  });

  it('go by the pattern of the route and the name of the operation', async () => {
    const url = '/api/v1/subscriptions/secret-id';
    await fetch(gateway.base + url, { headers: member }).then((answer) => answer.text());
    const has = async (...parts: string[]) => {
      const lines = (await gateway.metrics.text()).split('\n');
      return lines.some((line) => parts.every((part) => line.includes(part)));
    };
    const route = 'route="/api/v1/subscriptions/:subscriptionId"';
    await expect.poll(() => has('http_server_request_duration_seconds_count', route)).toBe(true);
    expect(await has('dependency_call_duration_seconds_count', 'operation="getSubscription"')).toBe(true);
    expect(await has('secret-id')).toBe(false);
  });
});
