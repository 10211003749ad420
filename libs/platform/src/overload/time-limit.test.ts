import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildService, defineService, type Service } from '../service/service.ts';
import { platformSettings, readSettings } from '../service/settings.ts';

const sample = defineService({
  name: 'sample',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    app.get('/hangs', () => {
      hanging += 1;
      return new Promise(() => undefined);
    });
    app.get('/half', (_request, reply) => {
      const body = new Readable({ read: () => undefined });
      body.push('the first half');
      return reply.send(body);
    });
    app.get('/much', (_request, reply) => reply.send(Buffer.alloc(50_000_000)));
  },
});

let service: Service;
let base: string;
let lines: string[];
let hanging = 0;

beforeEach(async () => {
  lines = [];
  hanging = 0;
  const settings = readSettings(sample.settings, { REQUEST_TIMEOUT_MS: '100' });
  service = await buildService(sample, settings, { logTo: { write: (line) => lines.push(line) } });
  await service.app.listen({ port: 0, host: '127.0.0.1' });
  base = `http://127.0.0.1:${(service.app.server.address() as AddressInfo).port}`;
});

afterEach(() => service.app.close());

/** Returns what the log line of a request says of its end. */
function requestLine(line: string) {
  const { msg, status, problem } = JSON.parse(line);
  return msg === 'request' ? { status, ...(problem && { problem }) } : undefined;
}

describe('the time limit of a request', () => {
  it('answers soon after it has passed, in the log under the ids of the request', async () => {
    const startedAt = performance.now();
    const response = await fetch(`${base}/hangs`, { headers: { 'x-correlation-id': 'journey-1' } });
    expect(response.status).toBe(504);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(100);
    const failure = lines.find((line) => line.includes('request failed')) ?? '{}';
    expect(JSON.parse(failure)).toMatchObject({ correlationId: 'journey-1' });
  });

  it('breaks the connection when a part of the response was sent', async () => {
    const response = await fetch(`${base}/half`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    await expect
      .poll(() => lines.map(requestLine))
      .toContainEqual({ status: 504, problem: 'deadline_exceeded' });
  });

  it('counts as the client’s if the client does not read what was sent', async () => {
    const call = get(`${base}/much`);
    const response = await new Promise<IncomingMessage>((resolve) => call.once('response', resolve));
    await expect.poll(() => lines.map(requestLine)).toContainEqual({ status: 499 });
    response.destroy();
  });

  it('ends a response that its client does not read, so that it delays no stop', async () => {
    const call = get(`${base}/much`).on('error', () => undefined);
    await new Promise((resolve) => call.once('response', resolve));
    await service.app.close();
  });

  it('holds while the service closes, so that a request that hangs delays no stop', async () => {
    const response = fetch(`${base}/hangs`, { headers: { connection: 'close' } });
    await expect.poll(() => hanging).toBe(1);
    const [{ status }] = await Promise.all([response, service.app.close()]);
    expect(status).toBe(504);
  });
});
