import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { withContext } from '../core/request-context.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { answering, hang, refusing, serve, serveRaw } from '../testing/faulty-server.ts';
import { requestWith } from '../testing/request-context.ts';
import { createUpstream, type Upstream } from './upstream.ts';

function connect(address: string, timeoutMs = 5_000) {
  const metrics = createMetrics('test', '0');
  const upstream = createUpstream({ name: 'users', address, metrics, timeoutMs });
  onTestFinished(() => upstream.close());
  const get = async (headers = {}) => {
    const { statusCode, body } = await upstream.request({ method: 'GET', path: '/', headers });
    return { status: statusCode, text: await body.text() };
  };
  const post = (headers = {}, body: string | Readable = '{}') =>
    upstream.request({ method: 'POST', path: '/', headers, body });
  return { upstream, metrics, get, post };
}

/** Occupies all connections until the returned function is called. */
function holdConnections(upstream: Upstream) {
  const caller = new AbortController();
  const call = () => upstream.request({ method: 'GET', path: '/', signal: caller.signal });
  const held = Promise.allSettled(Array.from({ length: 64 }, call));
  return async () => {
    caller.abort();
    await held;
  };
}

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; error?: unknown; value?: T }> {
  const startedAt = performance.now();
  try {
    const value = await work();
    return { ms: performance.now() - startedAt, value };
  } catch (error) {
    return { ms: performance.now() - startedAt, error };
  }
}

const problemJson = { 'content-type': 'application/problem+json' };

describe('what an upstream is sent', () => {
  it('is the correlation id, the trace and the time that is left for the current request', async () => {
    const seen: Record<string, unknown>[] = [];
    const server = await serve((request, response) => {
      seen.push(request.headers);
      response.end();
    });
    const { get } = connect(server.origin);
    await withContext(requestWith(4_000), () => get({ 'x-request-timeout-ms': '99999' }));
    expect(seen[0]).toMatchObject({
      'x-correlation-id': 'journey-1',
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`,
    });
    expect(Number(seen[0]?.['x-request-timeout-ms'])).toBeLessThanOrEqual(3_980);
    expect(Number(seen[0]?.['x-request-timeout-ms'])).toBeGreaterThan(0);
  });

  it('is nothing when the deadline has passed', async () => {
    const server = await answering(200);
    const { get } = connect(server.origin);
    await get();
    await expect(withContext(requestWith(-1), get)).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await get();
    expect(server.hits).toBe(2);
  });

  it('may be announced early: the response is the one that follows', async () => {
    const server = await serve((_request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => response.end('done'));
    });
    expect(await connect(server.origin).get()).toEqual({ status: 200, text: 'done' });
  });

  it('streams through in both directions', async () => {
    const echo = await serve((request, response) => void pipeline(request, response));
    const { post } = connect(echo.origin, 20_000);
    const chunk = randomBytes(65_536);
    const source = Array.from({ length: 200 }, () => chunk);
    const { body } = await post({}, Readable.from(source));
    const digest = createHash('sha256');
    body.pipeTo(digest);
    await once(digest, 'readable');
    expect(digest.digest('hex')).toBe(createHash('sha256').update(Buffer.concat(source)).digest('hex'));
  });
});

describe('the time a call takes', () => {
  it('is bounded by its timeout when the upstream hangs, and the call is not retried', async () => {
    const server = await hang();
    const { get } = connect(server.origin, 300);
    const { ms, error } = await timed(get);
    expect(error).toMatchObject({ code: 'deadline_exceeded', status: 504 });
    expect(ms).toBeGreaterThan(250);
    expect(ms).toBeLessThan(4_000);
    expect(server.hits).toBe(1);
  });

  it('is bounded by the time left for the current request', async () => {
    const server = await hang();
    const { get } = connect(server.origin, 10_000);
    const { ms, error } = await timed(() => withContext(requestWith(200), get));
    expect(error).toMatchObject({ code: 'deadline_exceeded' });
    expect(ms).toBeLessThan(4_000);
  });

  it('is bounded while the body of a response does not end', async () => {
    const server = await serve((_request, response) => void response.write('half'));
    const { upstream, get } = connect(server.origin, 300);
    expect((await timed(get)).error).toMatchObject({ code: 'deadline_exceeded' });
    const { ms, error } = await timed(() =>
      upstream.exchange({ method: 'GET', path: '/' }, ({ body }) => body.text()),
    );
    expect(error).toMatchObject({ code: 'deadline_exceeded' });
    expect(ms).toBeLessThan(4_000);
  });

  it('is bounded for calls that wait for a connection, and too many are rejected immediately', async () => {
    const server = await hang();
    const { get } = connect(server.origin, 1_000);
    const calls = await Promise.all(Array.from({ length: 300 }, () => timed(get)));
    const rejected = calls.filter(({ error }) => (error as { code: string }).code === 'unavailable');
    const late = calls.filter(({ error }) => (error as { code: string }).code === 'deadline_exceeded');
    expect([rejected.length, late.length]).toEqual([44, 256]);
    expect(Math.max(...rejected.map(({ ms }) => ms))).toBeLessThan(Math.min(...late.map(({ ms }) => ms)));
    expect(Math.max(...late.map(({ ms }) => ms))).toBeLessThan(4_000);
    expect(server.sockets.size).toBeLessThanOrEqual(64);
  });

  it('is bounded by its own timeout while others that have more time hold all connections', async () => {
    const { upstream } = connect((await hang()).origin, 10_000);
    const letGo = holdConnections(upstream);
    const { ms, error } = await timed(() => upstream.request({ method: 'GET', path: '/', timeoutMs: 200 }));
    expect(error).toMatchObject({ code: 'deadline_exceeded' });
    expect(ms).toBeLessThan(4_000);
    await letGo();
  });

  it('is no longer counted when it is over, so that there is always room for the next call', async () => {
    const server = await answering(200, {}, 'done');
    const { get } = connect(server.origin);
    for (let round = 0; round < 30; round++) await Promise.all(Array.from({ length: 10 }, () => get()));
    expect(server.hits).toBe(300);
  });

  it('was too short if the upstream reports that, unless the client was slow to send its body', async () => {
    const server = await answering(408);
    const { get, post } = connect(server.origin);
    await expect(get()).rejects.toMatchObject({
      ...{ code: 'deadline_exceeded', message: 'The time that was left for users was too short' },
    });
    const { statusCode, body } = await post({}, Readable.from(['{}']));
    await body.dump();
    expect(statusCode).toBe(408);
  });

  it('is not affected by another upstream that hangs', async () => {
    const [slow, fast] = [connect((await hang()).origin, 10_000), connect((await answering(200)).origin)];
    const letGo = holdConnections(slow.upstream);
    const { ms } = await timed(() => Promise.all(Array.from({ length: 50 }, () => fast.get())));
    expect(ms).toBeLessThan(4_000);
    await letGo();
  });

  it('ends when the caller aborts the call, and the connection is freed', async () => {
    const server = await hang();
    const { upstream } = connect(server.origin, 20_000);
    const caller = new AbortController();
    const call = upstream.request({ method: 'GET', path: '/', signal: caller.signal });
    await vi.waitFor(() => expect(server.hits).toBe(1));
    caller.abort(new Error('the client has gone'));
    await expect(call).rejects.toThrow('the client has gone');
    await vi.waitFor(() => expect(server.sockets.size).toBe(0));
  });
});

describe('a retry', () => {
  it('turns a transient failure into a success', async () => {
    const server = await serve((_request, response) =>
      response.writeHead(server.hits < 3 ? 503 : 200).end(String(server.hits)),
    );
    const { get, metrics } = connect(server.origin);
    expect(await get()).toEqual({ status: 200, text: '3' });
    expect(await metrics.text()).toMatch(/dependency_call_retries_total\{.*dependency="users".*\} 2/);
  });

  it.each([502, 503, 504])(
    'is made at most twice for %d, and then the response is returned',
    async (status) => {
      const server = await answering(status, {}, 'sorry');
      expect(await connect(server.origin).get()).toEqual({ status, text: 'sorry' });
      expect(server.hits).toBe(3);
    },
  );

  it('is not made for a slow rejection: it would only take as long again', async () => {
    const server = await serve(async (_request, response) => {
      await wait(600);
      response.writeHead(503, problemJson).end('{}');
    });
    expect(await connect(server.origin).get()).toMatchObject({ status: 503 });
    expect(server.hits).toBe(1);
  });

  it.each([400, 404, 409, 429, 500, 501])('is not made for %d', async (status) => {
    const server = await answering(status);
    expect(await connect(server.origin).get()).toMatchObject({ status });
    expect(server.hits).toBe(1);
  });

  it('is made for a POST only with an Idempotency-Key', async () => {
    const server = await answering(503);
    const { post } = connect(server.origin);
    await (await post()).body.dump();
    expect(server.hits).toBe(1);
    await (await post({ 'Idempotency-Key': 'k1' })).body.dump();
    expect(server.hits).toBe(4);
  });

  it('waits for the first attempt when its response was lost and the upstream still works on it', async () => {
    const server = await serve((_request, response) => {
      if (server.hits === 1) response.destroy();
      else response.writeHead(server.hits === 2 ? 409 : 201, { 'retry-after': '0' }).end();
    });
    const { statusCode } = await connect(server.origin).post({ 'idempotency-key': 'k1' });
    expect([statusCode, server.hits]).toEqual([201, 3]);
  });

  it('is never made with a streamed body', async () => {
    const server = await answering(503);
    const { post } = connect(server.origin);
    await (await post({ 'Idempotency-Key': 'k1' }, Readable.from(['{', '}']))).body.dump();
    expect(server.hits).toBe(1);
  });

  it('is not made when the caller says that the request must not be sent twice', async () => {
    const server = await answering(503);
    const { upstream } = connect(server.origin);
    const { body } = await upstream.request({ method: 'GET', path: '/', idempotent: false });
    await body.dump();
    expect(server.hits).toBe(1);
  });

  it('waits as long as the upstream asks', async () => {
    const at: number[] = [];
    const server = await serve((_request, response) => {
      at.push(performance.now());
      response.writeHead(at.length === 1 ? 503 : 200, { 'retry-after': '1' }).end();
    });
    expect((await connect(server.origin).get()).status).toBe(200);
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(990);
  });

  it('is not waited for when the caller aborts the call', async () => {
    const server = await answering(503, { 'retry-after': '4' });
    const { upstream } = connect(server.origin);
    const caller = new AbortController();
    const call = timed(() => upstream.request({ method: 'GET', path: '/', signal: caller.signal }));
    await vi.waitFor(() => expect(server.hits).toBe(1));
    caller.abort(new Error('the client has gone'));
    const { ms, error } = await call;
    expect(error).toMatchObject({ message: 'the client has gone' });
    expect(ms).toBeLessThan(4_000);
  });

  it('is not made when the upstream asks for more time than is left', async () => {
    const server = await answering(503, { 'retry-after': '1' });
    expect((await connect(server.origin, 800).get()).status).toBe(503);
    expect(server.hits).toBe(1);
  });

  it('is made within a budget of a tenth of the calls and a small reserve', async () => {
    const server = await answering(503, problemJson);
    const { get } = connect(server.origin);
    const { ms } = await timed(async () => {
      for (let call = 0; call < 100; call++) await get();
    });
    const allowed = 10 + 0.1 * 100 + ms / 1_000;
    expect(server.hits - 100).toBeLessThanOrEqual(Math.ceil(allowed));
    expect(server.hits - 100).toBeGreaterThanOrEqual(10);
  });
});

describe('an upstream that breaks the connection', () => {
  it('before the response is called again if the request may be sent twice', async () => {
    const server = await serveRaw((socket) => socket.resetAndDestroy());
    const { get, post } = connect(server.origin);
    await expect(get()).rejects.toMatchObject({ code: 'upstream_failed', status: 502 });
    expect(server.hits).toBe(3);
    await expect(post()).rejects.toMatchObject({ code: 'upstream_failed' });
    expect(server.hits).toBe(4);
  });

  it.each(['content-length: 100', 'transfer-encoding: chunked'])(
    'in the middle of a response (%s) is called again while the response is being read',
    async (framing) => {
      const server = await serveRaw((socket) => socket.end(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n5\r\nhalf`));
      const { upstream } = connect(server.origin);
      const call = upstream.exchange({ method: 'GET', path: '/' }, ({ body }) => body.text());
      await expect(call).rejects.toMatchObject({ code: 'upstream_failed' });
      expect(server.hits).toBe(3);
    },
  );

  it.each(['SSH-2.0-OpenSSH_9.6\r\n', '\0\x01\x02\r\n\r\n', 'HTTP/1.1 9999 What\r\n\r\n'])(
    'by sending %j has failed, and is not called again',
    async (garbage) => {
      const server = await serveRaw((socket) => socket.end(garbage));
      await expect(connect(server.origin).get()).rejects.toMatchObject({ code: 'upstream_failed' });
      expect(server.hits).toBe(1);
    },
  );

  it('is not blamed when the request body ends early', async () => {
    const server = await serve((request) => void request.resume());
    const { upstream, post } = connect(server.origin);
    for (let call = 0; call < 8; call++) {
      const body = Readable.from(
        (function* () {
          yield 'half';
          throw new Error('the client has gone');
        })(),
      );
      await expect(post({}, body)).rejects.toMatchObject({ code: 'invalid_request' });
    }
    expect(upstream.breaker).toBe('closed');
  });
});

describe('an upstream with several addresses', () => {
  it('is called at each in turn', async () => {
    const [one, two] = [await answering(200), await answering(200)];
    const { get } = connect(`${one.origin}, ${two.origin}`);
    for (let call = 0; call < 10; call++) await get();
    expect([one.hits, two.hits]).toEqual([5, 5]);
  });

  it('is called at another address when one refuses the connection, whatever the method', async () => {
    const server = await answering(200);
    const { post, metrics } = connect(`${await refusing()},${server.origin}`);
    for (let call = 0; call < 10; call++) expect((await post()).statusCode).toBe(200);
    expect(server.hits).toBe(10);
    expect(await metrics.text()).not.toMatch(/retries_total\{.*\} [1-9]/);
  });

  it('is not called twice with a streamed body, but the address that refused is skipped afterwards', async () => {
    const server = await answering(200);
    const { post } = connect(`${await refusing()},${server.origin}`);
    const stream = () => post({}, Readable.from(['{', '}']));
    await expect(stream()).rejects.toMatchObject({ code: 'unavailable' });
    for (let call = 0; call < 4; call++) expect((await stream()).statusCode).toBe(200);
  });

  it('is called at another address once one has closed the connection after its response, as a draining service does', async () => {
    const [leaving, staying] = [await answering(200, { connection: 'close' }), await answering(200)];
    const { post } = connect(`${leaving.origin},${staying.origin}`);
    for (let call = 0; call < 10; call++) await (await post()).body.dump();
    expect([leaving.hits, staying.hits]).toEqual([1, 9]);
  });

  it('loses only a few calls to one that hangs', async () => {
    const [hanging, server] = [await hang(), await answering(200)];
    const { get } = connect(`${hanging.origin},${server.origin}`, 1_000);
    const calls: Promise<unknown>[] = [];
    for (let call = 0; call < 50; call++) {
      calls.push(get());
      await Promise.race([wait(10), calls.at(-1)]);
    }
    const lost = (await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected');
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThan(10);
    for (let call = 0; call < 10; call++) expect((await get()).status).toBe(200);
  });

  it('is unavailable when all addresses refuse the connection', async () => {
    const { post } = connect(`${await refusing()},${await refusing()}`);
    await expect(post()).rejects.toMatchObject({ code: 'unavailable', status: 503, retryAfter: 1 });
  });
});

describe('the circuit breaker of an upstream', () => {
  it('opens after failures, rejects immediately, tries one call and closes when it succeeds', async () => {
    let status = 502;
    const server = await serve((_request, response) => response.writeHead(status).end());
    const { upstream, post, metrics } = connect(server.origin);
    for (let call = 0; call < 5; call++) await (await post()).body.dump();
    expect(upstream.breaker).toBe('open');
    await expect(post()).rejects.toMatchObject({ code: 'unavailable', status: 503, retryAfter: 1 });
    expect(server.hits).toBe(5);
    expect(await metrics.text()).toMatch(/dependency_breaker_state\{.*dependency="users".*\} 2/);

    status = 200;
    await vi.waitFor(async () => expect((await post()).statusCode).toBe(200), { timeout: 5_000 });
    expect(server.hits).toBe(6);
    expect(upstream.breaker).toBe('closed');
    expect(await metrics.text()).toMatch(/dependency_breaker_state\{.*dependency="users".*\} 0/);
  });

  it('opens when the upstream hangs or cannot be reached', async () => {
    const hanging = connect((await hang()).origin, 100);
    await Promise.all(Array.from({ length: 5 }, () => timed(hanging.get)));
    expect(hanging.upstream.breaker).toBe('open');
    const unreachable = connect(await refusing());
    for (let call = 0; call < 5; call++) await timed(() => unreachable.post());
    expect(unreachable.upstream.breaker).toBe('open');
  });

  it('opens when the upstream responds with 504, because that took all the time there was', async () => {
    const { upstream, post } = connect((await answering(504, problemJson)).origin);
    for (let call = 0; call < 5; call++) await (await post()).body.dump();
    expect(upstream.breaker).toBe('open');
  });

  it.each([
    ['responds with 4xx', 404, {}],
    ['fails inside', 500, {}],
    ['rejects with a problem document', 503, problemJson],
  ])('stays closed when the upstream %s', async (_, status, headers) => {
    const { upstream, post } = connect((await answering(status, headers)).origin);
    for (let call = 0; call < 20; call++) await (await post()).body.dump();
    expect(upstream.breaker).toBe('closed');
  });

  it('stays closed when it is the callers that have no time or disconnect', async () => {
    const { upstream, get } = connect((await hang()).origin, 5_000);
    await Promise.all(Array.from({ length: 10 }, () => timed(() => withContext(requestWith(100), get))));
    await Promise.all(
      Array.from({ length: 10 }, () =>
        timed(() => upstream.request({ method: 'GET', path: '/', signal: AbortSignal.timeout(50) })),
      ),
    );
    expect(upstream.breaker).toBe('closed');
  });
});

describe('the metrics of calls', () => {
  it('show dependency, operation and outcome', async () => {
    const server = await serve((request, response) =>
      response.writeHead(request.url === '/' ? 200 : 404).end(),
    );
    const { upstream, get, metrics } = connect(server.origin);
    await get();
    const { body } = await upstream.request({ method: 'GET', path: '/42', operation: 'getUser' });
    await body.dump();
    await server.stop();
    await timed(get);
    const { values } = await metrics.dependencies.get();
    const counts = values.filter(({ metricName }) => metricName?.endsWith('_count'));
    const outcomes = counts.map(({ labels, value }) => [labels.operation, labels.outcome, value]);
    expect(outcomes).toEqual([
      ['GET', 'ok', 1],
      ['getUser', '404', 1],
      ['GET', 'unavailable', 1],
    ]);
    expect(counts.every(({ labels }) => labels.dependency === 'users')).toBe(true);
  });
});

describe('closing an upstream', () => {
  it('lets calls in flight finish', async () => {
    const server = await serve((_request, response) => void setTimeout(() => response.end('done'), 100));
    const { upstream, get } = connect(server.origin);
    const call = get();
    await vi.waitFor(() => expect(server.hits).toBe(1));
    await Promise.all([upstream.close(), expect(call).resolves.toEqual({ status: 200, text: 'done' })]);
  });
});
