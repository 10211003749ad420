import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { withContext } from '../core/request-context.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { answering, hang, serve } from '../testing/faulty-server.ts';
import { requestWith } from '../testing/request-context.ts';
import { createUpstream } from './upstream.ts';

function connect(address: string) {
  const upstream = createUpstream({ name: 'users', address, metrics: createMetrics('test', '0') });
  onTestFinished(() => upstream.close());
  const get = async () => {
    const { statusCode, body } = await upstream.request({ method: 'GET', path: '/' });
    await body.dump();
    return statusCode;
  };
  const post = (body: Readable, timeoutMs: number) =>
    upstream.request({ method: 'POST', path: '/', body, timeoutMs });
  return { upstream, get, post };
}

/** A body of which one byte arrives, and then nothing. */
function stalled(): Readable {
  const body = new Readable({ read: () => undefined });
  body.push('{');
  return body;
}

describe('an upstream whose client', () => {
  it('does not finish its body is not blamed: its breaker stays closed and its addresses stay in use', async () => {
    // Only the GETs: under load, a POST may arrive after its call has ended.
    const gets: [number, number] = [0, 0];
    const counting = (index: 0 | 1) =>
      serve((request, response) => {
        if (request.method === 'GET') gets[index] += 1;
        answerWhenComplete(request, response);
      });
    const servers = [await counting(0), await counting(1)];
    const { upstream, get, post } = connect(servers.map(({ origin }) => origin).join(','));
    const calls = Array.from({ length: 12 }, () => post(stalled(), 100));
    for (const call of calls)
      await expect(call).rejects.toMatchObject({ code: 'request_timeout', status: 408 });
    expect(upstream.breaker).toBe('closed');
    for (let call = 0; call < 10; call += 1) expect(await get()).toBe(200);
    expect(gets).toEqual([5, 5]);
  });

  it('finishes its body just before the deadline is not blamed either', async () => {
    const { upstream, post } = connect((await hang()).origin);
    const calls = Array.from({ length: 12 }, () => {
      const body = stalled();
      setTimeout(() => body.push(null), 800);
      return post(body, 1_000);
    });
    for (const call of calls) await expect(call).rejects.toMatchObject({ status: 504 });
    expect(upstream.breaker).toBe('closed');
  });

  it('leaves it too little time is not blamed, even if it responds with 504', async () => {
    const { upstream } = connect((await answering(504)).origin);
    for (let call = 0; call < 8; call += 1) {
      const given = withContext(requestWith(300), () => upstream.request({ method: 'POST', path: '/' }));
      await (await given).body.dump();
    }
    expect(upstream.breaker).toBe('closed');
  });

  it('sends a body that it rejects, and closes the connection after, stays in use', async () => {
    const status = { 408: 0, 413: 0, 415: 0, 431: 0 };
    const rejecting = await serve((request, response) => {
      request.resume();
      response.writeHead(Number(request.url?.slice(1)), { connection: 'close' }).end();
    });
    const other = await answering(200);
    const { upstream } = connect(`${rejecting.origin},${other.origin}`);
    for (const each of Object.keys(status)) {
      const call = upstream.request({ method: 'POST', path: `/${each}`, body: Readable.from(['{']) });
      await (await call).body.dump();
    }
    const before = rejecting.hits;
    for (let call = 0; call < 10; call += 1) {
      await (await upstream.request({ method: 'GET', path: '/200' })).body.dump();
    }
    expect(rejecting.hits).toBeGreaterThan(before);
  });

  it('does not read its response takes no other call away from its address', async () => {
    const megabyte = Buffer.alloc(1_048_576);
    const big = await serve((request, response) =>
      response.end(request.url === '/big' ? megabyte.toString() : ''),
    );
    const other = await answering(200);
    const { upstream, get } = connect(`${big.origin},${other.origin}`);
    const unread = await Promise.all(
      Array.from({ length: 30 }, () => upstream.request({ method: 'GET', path: '/big' })),
    );
    const before = big.hits;
    for (let call = 0; call < 10; call += 1) expect(await get()).toBe(200);
    expect(big.hits - before).toBe(5);
    for (const { body } of unread) body.destroy();
  });

  it('does not finish its body is not the trial of an open breaker', async () => {
    let status = 502;
    const server = await serve((request, response) => {
      request.resume();
      response.writeHead(status).end();
    });
    const { upstream, get, post } = connect(server.origin);
    await vi.waitUntil(async () => {
      await get().catch(() => undefined);
      return upstream.breaker === 'open';
    });
    status = 200;
    const trial = async () => (await get().catch(() => 503)) === 200;
    const held = setInterval(() => void post(stalled(), 60_000).catch(() => undefined), 10);
    await vi.waitUntil(trial, { timeout: 5_000 });
    clearInterval(held);
    expect(upstream.breaker).toBe('closed');
  });

  it('closes an open breaker by an upload, where all calls are uploads', async () => {
    let status = 502;
    const server = await serve((request, response) => {
      request.resume().once('end', () => response.writeHead(status).end());
    });
    const { upstream, post } = connect(server.origin);
    const upload = async () => {
      const response = await post(Readable.from(['a line\n']), 5_000).catch(() => undefined);
      await response?.body.dump();
      return response?.statusCode;
    };
    await vi.waitUntil(async () => {
      await upload();
      return upstream.breaker === 'open';
    });
    status = 200;
    await vi.waitUntil(async () => (await upload()) === 200, { timeout: 5_000 });
    expect(upstream.breaker).toBe('closed');
  });
});

function answerWhenComplete(...[request, response]: Parameters<Parameters<typeof serve>[0]>) {
  request.resume().on('error', () => undefined);
  request.once('end', () => response.end());
}
