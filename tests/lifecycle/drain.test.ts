import { once } from 'node:events';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { get, sendTraffic } from '../support/request.ts';
import { type Slow, startSlow } from './fixtures/start.ts';

const started: Slow[] = [];
const agent = new Agent({ keepAlive: true });

async function ready(env?: Record<string, string>): Promise<Slow> {
  const service = await startSlow(env);
  started.push(service);
  await service.ready;
  return service;
}

afterEach(async () => {
  for (const service of started.splice(0)) service.kill('SIGKILL');
});

describe('a service that is told to stop', () => {
  it('fails no request: neither 20 of 2 s in flight nor the traffic that comes meanwhile', async () => {
    const drainDelay = 1_000;
    const longest = 2_000;
    const [leaving, staying] = [await ready({ DRAIN_DELAY_MS: String(drainDelay) }), await ready()];
    const traffic = sendTraffic([leaving, staying], '/wait?ms=5');
    const inFlight = Array.from({ length: 20 }, () => get(`${leaving.address}/wait?ms=${longest}`, agent));
    await wait(300);

    const toldAt = performance.now();
    leaving.kill('SIGTERM');
    const exit = await leaving.exited;
    const took = performance.now() - toldAt;

    const answers = await Promise.all(inFlight);
    const { answered, failures } = await traffic.stop();
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(100);
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(exit).toEqual({ code: 0, signal: null });
    expect(took).toBeGreaterThan(drainDelay);
    expect(took).toBeLessThan(drainDelay + longest + 1_000);
  });

  it('is unready at once and alive, and asks every client to reconnect elsewhere', async () => {
    const service = await ready({ DRAIN_DELAY_MS: '2000' });
    const inFlight = get(`${service.address}/wait?ms=1500`, agent);
    expect((await get(`${service.address}/wait`, agent)).headers.connection).toBe('keep-alive');

    service.kill('SIGTERM');
    await expect.poll(async () => (await get(`${service.management}/status`)).status).toBe(503);

    expect(JSON.parse((await get(`${service.management}/status`)).body)).toMatchObject({ state: 'draining' });
    expect((await get(`${service.management}/health`)).status).toBe(200);
    const during = await get(`${service.address}/wait`, agent);
    expect(during).toMatchObject({ status: 200, headers: { connection: 'close' } });
    expect(await inFlight).toMatchObject({ status: 200, headers: { connection: 'close' } });
    expect(await service.exited).toEqual({ code: 0, signal: null });
  });

  it('stops in time while a fault makes requests hang, and serves them', async () => {
    const service = await ready({ FAULT: 'service:hang' });
    const hung = get(`${service.address}/wait`, agent);
    const metrics = async () => (await get(`${service.management}/metrics`)).body;
    await expect.poll(metrics).toMatch(/^http_server_requests_in_flight\{.*\} 1$/m);
    service.kill('SIGTERM');
    expect(await hung).toMatchObject({ status: 200 });
    expect(await service.exited).toEqual({ code: 0, signal: null });
  });

  it('answers also a request whose head was still arriving when the port was closed', async () => {
    const service = await ready({ DRAIN_DELAY_MS: '0' });
    const { hostname, port } = new URL(service.address);
    const socket = connect(Number(port), hostname).setEncoding('utf8');
    socket.write('GET /wait HTTP/1.1\r\nhost: slow\r\n');
    const inFlight = get(`${service.address}/wait?ms=500`, agent);
    await wait(100);
    service.kill('SIGTERM');
    await expect.poll(async () => (await get(`${service.management}/status`)).body).toContain('"closing"');

    socket.write('\r\n');
    const [answer] = await once(socket, 'data');
    expect(answer).toMatch(/^HTTP\/1.1 200 OK/);
    expect(answer.toLowerCase()).toContain('connection: close');
    expect((await inFlight).status).toBe(200);
    expect(await service.exited).toEqual({ code: 0, signal: null });
  });

  it('does not wait for the idle connections of clients', async () => {
    const service = await ready({ DRAIN_DELAY_MS: '0' });
    await get(`${service.address}/wait`, agent);
    const toldAt = performance.now();
    service.kill('SIGTERM');
    expect(await service.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - toldAt).toBeLessThan(10_000);
  });

  it.each([
    ['half of a head', 'GET /wait HTTP/1.1\r\nhost: slow\r\n'],
    ['nothing', ''],
  ])('waits for a client that has sent %s as long as for any head, and exits with 0', async (_what, sent) => {
    const service = await ready({ DRAIN_DELAY_MS: '0', HEADERS_TIMEOUT_MS: '1000' });
    const { hostname, port } = new URL(service.address);
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    await once(socket, 'connect');
    if (sent) socket.write(sent);
    await wait(100);
    const toldAt = performance.now();
    service.kill('SIGINT');
    expect(await service.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - toldAt).toBeLessThan(4_000);
  });

  it('is cut off at the deadline and says what was still open', async () => {
    const service = await ready({
      DRAIN_DELAY_MS: '0',
      REQUEST_TIMEOUT_MS: '200',
      STOP_DEADLINE_MS: '500',
    });
    const stuck = get(`${service.address}/stuck`).catch(String);
    await expect
      .poll(async () => (await get(`${service.management}/metrics`)).body)
      .toMatch(/in_flight\{.*\} 1/);

    service.kill('SIGTERM');
    expect(await service.exited).toEqual({ code: 3, signal: null });
    expect(await stuck).toMatch(/socket hang up|ECONNRESET/);
    expect(service.output()).toContain('"state":"closing","openConnections":1,"msg":"cut off');
  });

  it('exits at once at a second signal', async () => {
    const service = await ready({ DRAIN_DELAY_MS: '10000' });
    service.kill('SIGTERM');
    await expect.poll(() => service.output()).toContain('"draining"');
    service.kill('SIGTERM');
    expect(await service.exited).toEqual({ code: 143, signal: null });
  });

  it('takes a Ctrl-C that arrives twice, from the terminal and from npm, for one', async () => {
    const service = await ready();
    service.kill('SIGINT');
    service.kill('SIGINT');
    expect(await service.exited).toEqual({ code: 0, signal: null });
  });

  it('drains when its terminal is closed', async () => {
    const service = await ready();
    service.kill('SIGHUP');
    expect(await service.exited).toEqual({ code: 0, signal: null });
  });
});
