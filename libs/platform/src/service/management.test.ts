import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Experiments } from '../experiments/experiments.ts';
import { createLogs } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { TraceRing } from '../telemetry/trace-ring.ts';
import { type Dependency, Lifecycle } from './lifecycle.ts';
import { createManagement } from './management.ts';
import { createStatus } from './status.ts';

const operator = 'token-of-an-operator';

let close = async () => {};
afterEach(async () => {
  vi.useRealTimers();
  await close();
});

/** A management listener over a lifecycle, and a function that calls it. */
async function managed(dependencies: Dependency[] = [], token = operator) {
  const lines: string[] = [];
  const { log, level } = createLogs('things', 'info', { write: (line) => lines.push(line) });
  const lifecycle = new Lifecycle(dependencies);
  const metrics = createMetrics('things', '1.2.3');
  const traces = new TraceRing();
  const experiments = new Experiments({ hasStore: true });
  const status = createStatus({
    service: 'things',
    version: '1.2.3',
    lifecycle,
    metrics,
    upstreams: [{ name: 'users', breaker: 'open', retriesLeft: 10 }],
    load: () => ({ rejecting: false }),
    experiments,
  });
  const server = createManagement({
    service: 'things',
    lifecycle,
    metrics,
    log,
    logLevel: level,
    token,
    traces,
    experiments: { state: experiments, token },
    status,
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = async () => void server.close();
  const { port } = server.address() as AddressInfo;
  const ask = async (path: string, options: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, options);
    return { status: response.status, text: await response.text() };
  };
  return {
    port,
    lifecycle,
    metrics,
    log,
    traces,
    lines,
    experiments,
    ask,
    statusOf: async (path: string) => (await ask(path)).status,
  };
}

/** Sends a GET with a Host header that `fetch` would not send. */
async function askAs(port: number, path: string, headers: { host: string }) {
  const [response] = (await once(request({ port, path, headers }).end(), 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response) };
}

const away: Dependency = { name: 'store', check: () => Promise.reject(new Error('connection refused')) };
const hanging: Dependency = { name: 'store', check: () => new Promise(() => undefined) };
const up: Dependency = { name: 'cache', check: () => Promise.resolve() };

describe('the management listener', () => {
  it('distinguishes alive, started and ready in every state', async () => {
    const { lifecycle, statusOf } = await managed();
    const probes = async () => [
      await statusOf('/health'),
      await statusOf('/started'),
      await statusOf('/status'),
    ];
    expect(await probes()).toEqual([200, 503, 503]);
    lifecycle.advance('ready');
    expect(await probes()).toEqual([200, 200, 200]);
    lifecycle.advance('draining');
    expect(await probes()).toEqual([200, 200, 503]);
    lifecycle.advance('closing');
    expect(await probes()).toEqual([200, 200, 503]);
  });

  it('never goes back to ready, even when stopped during the start', async () => {
    const { lifecycle, statusOf } = await managed();
    lifecycle.advance('draining');
    lifecycle.advance('ready');
    expect(lifecycle.state).toBe('draining');
    expect(await statusOf('/status')).toBe(503);
  });

  it.each([
    ['refuses', away, 'connection refused'],
    ['hangs', hanging, 'no answer in 500 ms'],
  ])('is unready and alive while a dependency %s, and names it', async (_how, dependency, error) => {
    const { lifecycle, ask, statusOf } = await managed([up, dependency]);
    lifecycle.advance('ready');
    const { status, text } = await ask('/status');
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({
      state: 'ready',
      ready: false,
      dependencies: [
        { name: 'cache', up: true },
        { name: 'store', up: false, error },
      ],
    });
    expect(await statusOf('/health')).toBe(200);
  });

  it('stays ready while a called service is unreachable, but shows its breaker and the load', async () => {
    const { lifecycle, ask } = await managed([up]);
    lifecycle.advance('ready');
    const { status, text } = await ask('/status?verbose');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      service: 'things',
      version: '1.2.3',
      ready: true,
      upstreams: [{ name: 'users', breaker: 'open' }],
      load: { rejecting: false },
    });
  });

  it('shows which process it is, what it went through, and what it counted', async () => {
    const dependency = { ...up };
    const { lifecycle, metrics, ask } = await managed([dependency]);
    const activity = async () => JSON.parse((await ask('/status')).text).activity;
    lifecycle.advance('ready');
    const { instance } = await activity();
    dependency.check = away.check;
    await activity();
    dependency.check = up.check;
    await activity();
    lifecycle.advance('draining');
    metrics.totals.requests.add(0.02, true);
    metrics.totals.priorities.money.served.add(0.02, true);
    metrics.totals.priorities.batch.rejected += 2;
    metrics.rejected.labels('queue_full').inc(2);
    metrics.rejected.labels('rate_limit').inc();
    const shown = await activity();
    expect(shown).toMatchObject({ instance, requests: { count: 1, failed: 1 }, rejected: 2 });
    expect(shown.priorities).toMatchObject([
      { priority: 'money', served: { count: 1, failed: 1 }, rejected: 0 },
      { priority: 'interactive', served: { count: 0 }, rejected: 0 },
      { priority: 'batch', served: { count: 0 }, rejected: 2 },
    ]);
    const states = shown.history.map(({ state }: { state: string }) => state);
    expect(states).toEqual(['starting', 'ready', 'unready', 'ready', 'draining']);
    expect(Date.parse(shown.history[0].at)).toBeLessThanOrEqual(Date.now());
  });

  it('stores few of the changes of a dependency that goes up and down, and the start', async () => {
    const dependency = { ...up };
    const { lifecycle } = await managed([dependency]);
    lifecycle.advance('ready');
    for (let change = 0; change < 100; change += 1) {
      dependency.check = change % 2 ? up.check : away.check;
      await lifecycle.readiness();
    }
    expect(lifecycle.history).toHaveLength(20);
    expect(lifecycle.history[0]?.state).toBe('starting');
    expect(lifecycle.history.at(-1)?.state).toBe('ready');
  });

  it('never shows a negative time since the start, even if the system clock is changed', async () => {
    const { ask } = await managed();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    expect(JSON.parse((await ask('/status')).text).upSeconds).toBeGreaterThanOrEqual(0);
  });

  it('has metrics, and names its paths for an unknown one', async () => {
    const { ask } = await managed();
    expect((await ask('/metrics')).text).toContain('http_server_requests_in_flight');
    expect(await ask('/')).toMatchObject({ status: 404, text: expect.stringContaining('/health, /started') });
  });
});

describe('the traces of a process', () => {
  it('are listed by their requests, and shown one by one with all spans', async () => {
    const { traces, ask } = await managed();
    expect(JSON.parse((await ask('/traces')).text)).toEqual({ traces: [] });
    const request = {
      spanId: 'a',
      service: 'things',
      name: 'GET /',
      kind: 'server',
      startedAt: 0,
      ms: 1,
    } as const;
    const call = { ...request, spanId: 'b', kind: 'client' } as const;
    const trace = { traceId: 'one', reason: 'failed', isExported: false } as const;
    traces.add({ ...trace, spans: [request, call] });
    expect(JSON.parse((await ask('/traces')).text)).toEqual({ traces: [{ ...trace, spans: [request] }] });
    expect(JSON.parse((await ask('/traces/one')).text)).toEqual({
      traces: [{ ...trace, spans: [request, call] }],
    });
    expect(await ask('/traces/two')).toMatchObject({ status: 404 });
  });
});

describe('a management listener that a web page reaches under a name of its own', () => {
  const asRebound = { host: 'rebind.example.com:9080' };

  it.each(['/health', '/started', '/status', '/metrics', '/traces', '/log-level'])(
    'answers 421 at %s',
    async (path) => {
      const { port } = await managed();
      const { status, body } = await askAs(port, path, asRebound);
      expect(status).toBe(421);
      expect(body).not.toContain('things');
    },
  );

  it('answers under an address or the name of a service', async () => {
    const { port } = await managed();
    for (const host of [`127.0.0.1:${port}`, 'things:9080', `localhost:${port}`]) {
      expect((await askAs(port, '/health', { host })).status).toBe(200);
    }
  });
});

describe('the log level', () => {
  const put = (body: unknown, type = 'application/json') => ({
    method: 'PUT',
    headers: { 'content-type': type, authorization: `Bearer ${operator}` },
    body: JSON.stringify(body),
  });

  it('is changed while the service runs, is logged, and is restored automatically', async () => {
    const { log, lines, ask } = await managed();
    log.debug('too early');
    const answer = await ask('/log-level', put({ level: 'debug', forSeconds: 0.2 }));
    expect(JSON.parse(answer.text)).toMatchObject({ level: 'debug', configured: 'info' });
    log.debug('seen');
    await vi.waitFor(async () =>
      expect(JSON.parse((await ask('/log-level')).text)).toEqual({ level: 'info', configured: 'info' }),
    );
    log.debug('too late');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['log level changed', 'seen']);
  });

  it('is restored by setting the configured one', async () => {
    const { log, ask } = await managed();
    await ask('/log-level', put({ level: 'silent' }));
    expect(log.level).toBe('silent');
    await ask('/log-level', put({ level: 'info' }));
    expect(JSON.parse((await ask('/log-level')).text)).toEqual({ level: 'info', configured: 'info' });
  });

  it.each([
    ['without a credential', undefined, 401],
    ['with a wrong token', 'Bearer wrong', 401],
    ['with a token in another scheme', `Basic ${operator}`, 401],
  ])('is not changed %s', async (_how, authorization, status) => {
    const { log, ask } = await managed();
    const headers = { 'content-type': 'application/json', ...(authorization && { authorization }) };
    expect((await ask('/log-level', { ...put({ level: 'debug' }), headers })).status).toBe(status);
    expect(log.level).toBe('info');
  });

  it('is not changed in a service without a token, whatever is presented', async () => {
    const { log, ask } = await managed([], '');
    expect(await ask('/log-level', put({ level: 'debug' }))).toMatchObject({
      status: 403,
      text: expect.stringContaining('MANAGEMENT_TOKEN'),
    });
    expect(log.level).toBe('info');
    expect((await ask('/log-level')).status).toBe(200);
  });

  it.each([
    ['an unknown level', put({ level: 'loud' }), 400],
    ['a time without end', put({ level: 'debug', forSeconds: 1e9 }), 400],
    ['no level', put(null), 400],
    ['a long body', put({ level: 'debug', text: 'x'.repeat(2_000) }), 400],
    ['what a form of a web page can send', put({ level: 'debug' }, 'text/plain'), 415],
    ['another method', { method: 'DELETE' }, 405],
  ])('is not changed by %s', async (_what, request, status) => {
    const { log, ask } = await managed();
    expect((await ask('/log-level', request)).status).toBe(status);
    expect(log.level).toBe('info');
  });
});
