import { once } from 'node:events';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { get } from '../support/request.ts';
import { type Slow, startSlow } from './fixtures/start.ts';

const started: Slow[] = [];
const servers: Server[] = [];

async function start(env?: Record<string, string>): Promise<Slow> {
  const service = await startSlow(env);
  started.push(service);
  return service;
}

/** A port that is taken; what connects is served by `onConnection`. */
async function takenPort(onConnection: (socket: Socket) => void = () => undefined): Promise<string> {
  const server = createServer(onConnection).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  return String(typeof address === 'object' ? address?.port : address);
}

/** An OTLP collector that accepts all spans, on every address of this machine. */
async function startGrpcCollector() {
  const chunks: Buffer[] = [];
  const server = createHttp2Server().listen(0, '::');
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      // An empty message: not compressed, and 0 bytes long.
      stream.end(Buffer.alloc(5));
    });
  });
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : address;
  return { port, received: () => Buffer.concat(chunks) };
}

afterEach(() => {
  for (const service of started.splice(0)) service.kill('SIGKILL');
  for (const server of servers.splice(0)) server.close();
});

describe('a start that cannot succeed', () => {
  it('names every wrong setting at once, shows no secret, and exits with 2', async () => {
    const service = await start({
      PORT: 'eighty',
      LOG_LEVEL: 'loud',
      REQUEST_TIMEOUT_MS: '-1',
      API_KEY: 'too short',
    });
    expect(await service.exited).toEqual({ code: 2, signal: null });
    const [headline, ...wrong] = service.output().trimEnd().split('\n');
    expect(headline).toBe('slow: Wrong settings:');
    expect(wrong.map((line) => line.trim().split(' (')[0]).sort()).toEqual([
      'API_KEY must NOT have fewer than 16 characters',
      'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent',
      'PORT must be integer',
      'REQUEST_TIMEOUT_MS must be >= 10',
    ]);
    expect(service.output()).not.toContain('too short');
  });

  it('refuses a stop deadline that the drain and the longest request would not fit in', async () => {
    const service = await start({ DRAIN_DELAY_MS: '20000' });
    expect(await service.exited).toEqual({ code: 2, signal: null });
    expect(service.output()).toContain('STOP_DEADLINE_MS must be more than');
  });

  it.each(['PORT', 'MANAGEMENT_PORT'])(
    'says in one line that %s is taken, and exits with 1',
    async (setting) => {
      const port = await takenPort();
      const service = await start({ [setting]: port, LOG_LEVEL: 'warn' });
      expect(await service.exited).toEqual({ code: 1, signal: null });
      expect(service.output()).toBe(
        `slow: Port ${port} (${setting}) is already in use; free it or set another.\n`,
      );
    },
  );

  it('says in one line that the host is not an address of this machine', async () => {
    const service = await start({ HOST: '192.0.2.1' });
    expect(await service.exited).toEqual({ code: 1, signal: null });
    expect(service.output()).toBe('slow: HOST 192.0.2.1 is not an address of this machine.\n');
  });
});

describe('a start that succeeds', () => {
  it('answers on IPv4 and IPv6 with HOST=::', async () => {
    const service = await start({ HOST: '::' });
    await service.ready;
    const { port } = new URL(service.address);
    const { port: management } = new URL(service.management);
    for (const host of ['127.0.0.1', '[::1]']) {
      expect((await get(`http://${host}:${port}/wait`)).status).toBe(200);
      expect((await get(`http://${host}:${management}/status`)).status).toBe(200);
    }
  });

  it('lists its settings for those who debug, the secrets masked', async () => {
    const service = await start({ LOG_LEVEL: 'debug', API_KEY: 'opensesame-opensesame' });
    await service.ready;
    service.kill('SIGTERM');
    await service.exited;
    expect(service.output()).toMatch(/"settings":\{.*"DRAIN_DELAY_MS":100.*"API_KEY":"\*\*\*"/);
    expect(service.output()).not.toContain('opensesame');
  });
});

describe('a service with its store away', () => {
  it('is unready and alive, serves what needs no store, and is ready again when the store is back', async () => {
    const store = await takenPort((socket) => socket.end('.'));
    const service = await start({ STORE_PORT: store });
    await service.ready;
    const status = async () => JSON.parse((await get(`${service.management}/status`)).body);
    expect(await status()).toMatchObject({ ready: true, dependencies: [{ name: 'store', up: true }] });

    servers[0]?.close();
    await expect.poll(status).toMatchObject({ ready: false, state: 'ready', dependencies: [{ up: false }] });
    expect((await get(`${service.management}/status`)).status).toBe(503);
    expect((await get(`${service.management}/health`)).status).toBe(200);
    expect((await get(`${service.management}/started`)).status).toBe(200);
    expect((await get(`${service.address}/wait`)).status).toBe(200);

    servers[0]?.listen(Number(store), '127.0.0.1');
    await expect.poll(status).toMatchObject({ ready: true });
  });

  it('answers its probes in bounded time while the store hangs', async () => {
    const service = await start({ STORE_PORT: await takenPort() });
    await service.ready;
    const askedAt = performance.now();
    const { status, body } = await get(`${service.management}/status`);
    expect(performance.now() - askedAt).toBeLessThan(5_000);
    expect(status).toBe(503);
    expect(body).toContain('no answer in 500 ms');
  });
});

describe('a service that waits for its store', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends at once at %s, with 0', async (signal) => {
    const service = await start({ STORE_OPENS: 'false' });
    await expect.poll(() => service.output()).toContain('the store does not open');
    service.kill(signal);
    expect(await service.exited).toEqual({ code: 0, signal: null });
  });
});

describe('a service on a machine whose environment names a proxy', () => {
  /** A proxy that counts the connections, and the environment that names it. */
  async function proxy() {
    const counted = { connections: 0, environment: {} };
    const port = await takenPort((socket) => {
      counted.connections += 1;
      socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    });
    const names = ['HTTP_PROXY', 'http_proxy', 'https_proxy', 'grpc_proxy'];
    const addresses = names.map((name) => [name, `http://127.0.0.1:${port}`]);
    counted.environment = { NODE_USE_ENV_PROXY: '1', ...Object.fromEntries(addresses) };
    return counted;
  }

  it('sends its requests to other services without it', async () => {
    const counted = await proxy();
    const service = await start(counted.environment);
    await service.ready;
    const { body } = await get(`${service.address}/fetch?url=${service.management}/health`);
    expect(JSON.parse(body)).toEqual({ status: 200 });
    expect(counted.connections).toBe(0);
  });

  it.each(['localhost', '127.0.0.1', '[::1]'])(
    'sends its spans to a collector at %s by gRPC without it',
    async (host) => {
      const counted = await proxy();
      const collector = await startGrpcCollector();
      const service = await start({
        ...counted.environment,
        no_proxy: 'example.com',
        OTEL_TRACES_EXPORTER: 'otlp',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://${host}:${collector.port}`,
        OTEL_TRACES_SAMPLER: 'always_on',
        OTEL_BSP_SCHEDULE_DELAY: '10',
      });
      await service.ready;
      await get(`${service.address}/wait`);
      await expect.poll(() => String(collector.received())).toContain('GET /wait');
      expect(counted.connections).toBe(0);
    },
  );
});

describe('a service with a bug', () => {
  it.each(['bug', 'rejection'])('logs a %s that nobody handles as fatal and exits with 1', async (path) => {
    const service = await start();
    await service.ready;
    await get(`${service.address}/${path}`).catch(() => undefined);
    expect(await service.exited).toEqual({ code: 1, signal: null });
    expect(service.output()).toMatch(/"level":"fatal".*nobody (catches|awaits) this/);
  });
});

describe('a service that loses its surroundings', () => {
  it('drains when its parent is gone', async () => {
    const service = await start();
    await service.ready;
    service.child.disconnect();
    expect(await service.exited).toEqual({ code: 0, signal: null });
  });

  it('serves on when nobody reads its log any more', async () => {
    const service = await start();
    await service.ready;
    service.child.stdout?.destroy();
    for (let sent = 0; sent < 20; sent++) {
      expect((await get(`${service.address}/wait`)).status).toBe(200);
    }
    service.kill('SIGTERM');
    expect(await service.exited).toEqual({ code: 0, signal: null });
  });
});
