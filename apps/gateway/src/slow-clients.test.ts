import { afterEach, describe, expect, it, vi } from 'vitest';
import { sendRaw, unfinished } from './testing/raw-request.ts';
import { startGateway, type TestGateway } from './testing/service.ts';

let gateway: TestGateway;
afterEach(() => gateway.stop());

/** The statuses of all requests that the objectives count, from 500. */
async function failures(): Promise<string[]> {
  const text = await gateway.metrics.text();
  const counted = /^http_server_request_duration_seconds_count\{.*status="5\d\d".*\} [1-9]\d*$/;
  return text.split('\n').filter((line) => counted.test(line));
}

const slow = async (count: number, text: string) =>
  Promise.all(Array.from({ length: count }, () => sendRaw(gateway.base, text)));

describe('clients that do not finish their bodies', () => {
  it.each([
    ['of one byte', '{'],
    ['of many bytes', `"${'x'.repeat(40_000)}`],
  ])('(%s) get 408, and cost others nothing', async (_, chunk) => {
    gateway = await startGateway({ REQUEST_TIMEOUT_MS: '1000' });
    const { users, billing } = gateway.services;
    billing.handle = (request, response) => request.resume().once('end', () => response.end('{}'));
    const headers = await gateway.bearer('mallory');
    const path = chunk.length > 1 ? '/api/v1/usage' : '/api/v1/sessions/refresh';
    const clients = await slow(12, unfinished(path, headers, chunk));
    const honest = async () => (await fetch(`${gateway.base}/api/v1/plans`)).status;
    const statuses = new Set<number>();
    await vi.waitUntil(
      async () => {
        statuses.add(await honest());
        return clients.every(({ status }) => status() > 0);
      },
      { timeout: 10_000 },
    );
    expect([...statuses]).toEqual([200]);
    // A client with many unfinished bodies is also told that it has too many.
    expect([408, 429]).toEqual(expect.arrayContaining([...new Set(clients.map(({ status }) => status()))]));
    const text = await gateway.metrics.text();
    for (const name of ['users', 'billing']) {
      expect(text).toMatch(new RegExp(`dependency_breaker_state\\{.*dependency="${name}".*\\} 0`));
    }
    expect(await failures()).toEqual([]);
    if (chunk.length === 1) expect(users.seen.filter(({ method }) => method === 'POST')).toEqual([]);
    for (const { socket } of clients) socket.destroy();
  });

  it('and disconnect in the middle of an import count as no failure', async () => {
    gateway = await startGateway();
    const headers = await gateway.bearer('ada');
    const text = unfinished('/api/v1/usage/import', headers, '{}\n', 'application/x-ndjson');
    for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
      gateway.services.billing.seen.length = 0;
      gateway.services.billing.handle = () => undefined;
      const { socket } = await sendRaw(gateway.base, text);
      await vi.waitUntil(() => gateway.services.billing.seen.length === 1);
      socket[leave]();
      await vi.waitUntil(() => gateway.metrics.inFlight.size === 0);
    }
    expect(await gateway.metrics.text()).toMatch(/request_duration_seconds_count\{.*status="499".*\} 3/);
    expect(await failures()).toEqual([]);
  });
});

describe('a client that leaves too little time', () => {
  it.each(['0', '1', '50', '500'])(
    '(%s ms) is responsible for a response that comes too late',
    async (ms) => {
      gateway = await startGateway();
      gateway.services.billing.handle = () => undefined;
      for (let call = 0; call < 12; call += 1) {
        const answer = await fetch(`${gateway.base}/api/v1/plans`, {
          headers: { 'x-request-timeout-ms': ms },
        });
        expect(answer.status).toBe(408);
        expect(await answer.json()).toMatchObject({ code: 'too_little_time' });
      }
      expect(await failures()).toEqual([]);
      gateway.services.billing.handle = (_request, response) => response.end('[]');
      expect((await fetch(`${gateway.base}/api/v1/plans`)).status).toBe(200);
    },
  );

  it('is not responsible for a service that hangs because it sends a body that nobody reads', async () => {
    gateway = await startGateway({ REQUEST_TIMEOUT_MS: '1000' });
    gateway.services.billing.handle = () => undefined;
    const headers = { ...(await gateway.bearer('ada')), 'content-type': 'application/json' };
    const url = `${gateway.base}/api/v1/subscriptions/s1/cancel`;
    expect((await fetch(url, { method: 'POST', headers, body: '{}' })).status).toBe(504);
  });

  it('is not responsible if it leaves as much as the operation needs', async () => {
    gateway = await startGateway();
    gateway.services.billing.handle = () => undefined;
    const headers = { 'x-request-timeout-ms': '1100' };
    expect((await fetch(`${gateway.base}/api/v1/plans`, { headers })).status).toBe(504);
    expect(await failures()).toHaveLength(1);
  });
});

describe('a client that does not read its response', () => {
  it('counts as no failure', async () => {
    // Time for the buffers of all connections to fill, also on a busy machine.
    gateway = await startGateway({ REQUEST_TIMEOUT_MS: '3000' });
    const megabyte = Buffer.alloc(1_048_576, 'x');
    gateway.services.billing.handle = (_request, response) => {
      const write = () => {
        while (!response.destroyed && response.write(megabyte));
      };
      response.on('drain', write);
      write();
    };
    const clients = await slow(12, 'GET /api/v1/plans HTTP/1.1\r\nhost: x\r\n\r\n');
    for (const { socket } of clients) socket.pause();
    await vi.waitUntil(() => gateway.metrics.inFlight.size === 12);
    await vi.waitUntil(() => gateway.metrics.inFlight.size === 0, { timeout: 10_000 });
    expect(await failures()).toEqual([]);
    gateway.services.billing.handle = (_request, response) => response.end('[]');
    expect((await fetch(`${gateway.base}/api/v1/plans`)).status).toBe(200);
    for (const { socket } of clients) socket.destroy();
  });
});
