import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { buildService, defineService, type Service } from '../service/service.ts';
import { platformSettings, readSettings } from '../service/settings.ts';

let received = 0;
let readable = Promise.resolve();

/** Counts the bytes of an upload, which may take ten minutes. */
const sample = defineService({
  name: 'sample',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    app.addContentTypeParser('text/plain', (_request, payload, done) => done(null, payload));
    app.post('/upload', { config: { timeoutMs: 600_000 } as object }, async ({ body }) => {
      await readable;
      for await (const chunk of body as Readable) received += chunk.length;
      return { received };
    });
  },
});

let service: Service<undefined>;
let clock = 0;

beforeEach(async () => {
  [received, readable, clock] = [0, Promise.resolve(), 0];
  const realTime = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => realTime() + clock);
  service = await buildService(sample, readSettings(sample.settings, { LOG_LEVEL: 'silent' }));
  await service.app.listen({ port: 0, host: '127.0.0.1' });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await service.app.close();
});

/** Starts an upload of which the test sends the body. */
async function upload() {
  const { port } = service.app.server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  let answer = '';
  socket
    .on('error', () => undefined)
    .on('data', (part) => {
      answer += part;
    });
  await once(socket, 'connect');
  socket.write(
    'POST /upload HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 10000000\r\n\r\n',
  );
  await vi.waitUntil(() => service.metrics.inFlight.size === 1);
  return { socket, answer: () => answer };
}

/** Lets ten seconds pass, and then the checks of the time limit run. */
async function tenSeconds() {
  clock += 10_000;
  const checks = vi.spyOn(service.metrics.inFlight, Symbol.iterator);
  await vi.waitUntil(() => checks.mock.calls.length >= 2);
  checks.mockRestore();
}

it('ends an upload that sends next to nothing with 408', async () => {
  const { socket, answer } = await upload();
  socket.write('x');
  await tenSeconds();
  await tenSeconds();
  await vi.waitUntil(() => answer().startsWith('HTTP/1.1 408 '));
  socket.destroy();
});

it('lets an upload go on that is slow, but not too slow', async () => {
  const { socket, answer } = await upload();
  for (let sent = 12_000; sent <= 60_000; sent += 12_000) {
    socket.write('x'.repeat(12_000));
    await vi.waitUntil(() => received === sent);
    await tenSeconds();
  }
  expect(answer()).toBe('');
  socket.destroy();
});

it('lets an upload go on that the service itself does not read', async () => {
  const { promise, resolve: read } = Promise.withResolvers<void>();
  readable = promise;
  const { socket, answer } = await upload();
  socket.write('x'.repeat(9_000_000));
  for (let round = 0; round < 4; round += 1) await tenSeconds();
  expect(answer()).toBe('');
  read();
  socket.destroy();
});
