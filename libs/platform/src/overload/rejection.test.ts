import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { setImmediate as nextIteration } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMetrics } from '../telemetry/metrics.ts';
import { type Listening, startServer } from '../testing/http-server.ts';
import { seriesValue } from '../testing/metrics.ts';
import { createRejection, type Reason } from './rejection.ts';

let listening: Listening;
afterEach(async () => {
  vi.useRealTimers();
  await listening.stop();
});

/** A server that rejects every request, after it has waited so many milliseconds. */
async function rejectAll(reason: Reason, waited = 0) {
  const metrics = createMetrics('sample', '1.0.0');
  const reject = createRejection(metrics, () => 'batch');
  listening = await startServer((request, response) =>
    reject(reason, request, response, performance.now() - waited),
  );
  return { metrics, origin: listening.origin };
}

describe('a rejection', () => {
  it.each([
    ['queue_full', 503, 'overloaded', '1'],
    ['too_late', 503, 'overloaded', '1'],
    ['deadline', 408, 'too_little_time', null],
  ] as const)(
    'for the reason %s is a problem with the status %i',
    async (reason, status, code, retryAfter) => {
      const { metrics, origin } = await rejectAll(reason);
      const response = await fetch(origin);
      expect(response.status).toBe(status);
      expect(response.headers.get('retry-after')).toBe(retryAfter);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await response.json()).toMatchObject({ status, code });
      expect(await seriesValue(metrics, 'http_server_requests_rejected_total', { reason })).toBe(1);
    },
  );

  it('counts as a request, without the path that its client sent', async () => {
    const { metrics, origin } = await rejectAll('queue_full');
    await fetch(`${origin}/secret`, { method: 'PUT' });
    const labels = { method: 'PUT', route: 'rejected', status: '503' };
    expect(await seriesValue(metrics, 'http_server_request_duration_seconds_count', labels)).toBe(1);
  });

  it('lasted for as long as its request waited', async () => {
    const { metrics, origin } = await rejectAll('too_late', 3_000);
    await fetch(origin);
    const seconds = await seriesValue(metrics, 'http_server_request_duration_seconds_sum', {
      route: 'rejected',
      status: '503',
    });
    expect(seconds).toBeGreaterThanOrEqual(3);
  });

  it('counts with the priority of its operation, and not as served', async () => {
    const { metrics, origin } = await rejectAll('queue_full');
    await fetch(origin);
    const { batch, interactive } = metrics.totals.priorities;
    expect([batch.rejected, batch.served.view().count, interactive.rejected]).toEqual([1, 0, 0]);
  });
});

describe('the connection of a rejected upload', () => {
  /** Sends a head and a part of the body; resolves when the response has arrived. */
  async function upload(head: string, body: string) {
    const { origin } = await rejectAll('queue_full');
    // Node would close an idle connection, too.
    (listening.server as Server).keepAliveTimeout = 0;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const socket = connect(Number(new URL(origin).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\n${head}\r\n\r\n${body}`);
    const [answer] = await once(socket.setEncoding('latin1'), 'data');
    expect(answer).toMatch(/^HTTP\/1.1 503 .*"code":"overloaded"/s);
    const isOpen = () => listening.sockets.size === 1;
    return { socket, isOpen };
  }

  /** Resolves when the connection lingers. `vi.waitUntil` would advance the timers. */
  async function lingers() {
    while (vi.getTimerCount() === 0) await nextIteration();
  }

  it.each(['content-length: 1000000', 'transfer-encoding: chunked'])(
    'is open for five seconds more, in which its client can send on (%s)',
    async (head) => {
      const { isOpen } = await upload(head, '5\r\nfirst');
      await lingers();
      await vi.advanceTimersByTimeAsync(4_999);
      await nextIteration();
      expect(isOpen()).toBe(true);
      await vi.advanceTimersByTimeAsync(1);
      vi.useRealTimers();
      await vi.waitUntil(() => !isOpen());
    },
  );

  it('stays open if the rest of the body arrives in time', async () => {
    const { socket, isOpen } = await upload('content-length: 10', 'first');
    await lingers();
    socket.write('-half');
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const [next] = await once(socket, 'data');
    expect(next).toMatch(/^HTTP\/1.1 503 /);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(isOpen()).toBe(true);
  });
});
