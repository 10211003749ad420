import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../telemetry/metrics.ts';
import { type Dependency, Lifecycle } from './lifecycle.ts';
import { createManagement } from './management.ts';

let close = async () => {};
afterEach(() => close());

/** A management listener over a lifecycle, and a function that asks it. */
async function managed(dependencies: Dependency[] = []) {
  const lifecycle = new Lifecycle(dependencies);
  const server = createManagement({
    service: 'things',
    version: '1.2.3',
    lifecycle,
    metrics: createMetrics('things', '1.2.3'),
    upstreams: [{ name: 'users', breaker: 'open' }],
    load: () => ({ refusing: false }),
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = async () => void server.close();
  const { port } = server.address() as AddressInfo;
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text() };
  };
  return { lifecycle, ask, statusOf: async (path: string) => (await ask(path)).status };
}

const away: Dependency = { name: 'store', check: () => Promise.reject(new Error('connection refused')) };
const hanging: Dependency = { name: 'store', check: () => new Promise(() => undefined) };
const up: Dependency = { name: 'cache', check: () => Promise.resolve() };

describe('the management listener', () => {
  it('tells alive, started and ready apart in every state', async () => {
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

  it('never goes back to ready, even when a stop came during the start', async () => {
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

  it('stays ready while a called service is away, but shows its breaker and the load', async () => {
    const { lifecycle, ask } = await managed([up]);
    lifecycle.advance('ready');
    const { status, text } = await ask('/status?verbose');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      service: 'things',
      version: '1.2.3',
      ready: true,
      upstreams: [{ name: 'users', breaker: 'open' }],
      load: { refusing: false },
    });
  });

  it('has metrics, and says what else there is', async () => {
    const { ask } = await managed();
    expect((await ask('/metrics')).text).toContain('http_server_requests_in_flight');
    expect(await ask('/')).toMatchObject({ status: 404, text: expect.stringContaining('/health, /started') });
  });
});
