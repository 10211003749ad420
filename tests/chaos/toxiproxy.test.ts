import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startToxiproxy, withoutToxiproxy } from './toxiproxy.ts';

const answer = 'x'.repeat(3_000);

describe.skipIf(withoutToxiproxy)('the way through toxiproxy', () => {
  let server: Server;
  let toxiproxy: Awaited<ReturnType<typeof startToxiproxy>>;
  let way: Awaited<ReturnType<typeof toxiproxy.proxy>>;

  beforeAll(async () => {
    server = createServer((socket) => socket.on('error', () => {}).on('data', () => socket.write(answer)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    toxiproxy = await startToxiproxy();
    way = await toxiproxy.proxy(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  afterEach(() => toxiproxy.heal());
  afterAll(async () => {
    await toxiproxy.stop();
    server.close();
  });

  /** Asks once; what had come when it was whole, the connection ended, or `patience` (milliseconds) was over. */
  const ask = async (patience = 10_000) => {
    const [host = '', port] = way.address.split(':');
    const socket = connect({ host, port: Number(port) });
    let received = '';
    let error: string | undefined;
    socket.setEncoding('utf8').on('data', (text) => {
      received += text;
      if (received.length === answer.length) socket.destroy();
    });
    const begin = performance.now();
    const timer = setTimeout(() => socket.destroy(new Error('late')), patience);
    const ended = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', (problem: NodeJS.ErrnoException) => {
      error = problem.code ?? problem.message;
    });
    socket.write('?');
    await ended;
    clearTimeout(timer);
    return { bytes: received.length, error, ms: performance.now() - begin };
  };
  const whole = { bytes: answer.length, error: undefined };

  it('is good at first, and after it was healed', async () => {
    expect(await ask()).toMatchObject(whole);
    await way.cut();
    expect(await ask()).toMatchObject({ bytes: 0, error: 'ECONNREFUSED' });
    await toxiproxy.heal();
    expect(await ask()).toMatchObject(whole);
  });

  it('can be late', async () => {
    await way.add({ type: 'latency', attributes: { latency: 300 } });
    const { ms, ...rest } = await ask();
    expect(rest).toEqual(whole);
    expect(ms).toBeGreaterThan(290);
  });

  it('can swallow everything', async () => {
    await way.add({ type: 'timeout', attributes: { timeout: 0 } });
    expect(await ask(300)).toMatchObject({ bytes: 0, error: 'late' });
  });

  it('can break off in the middle', async () => {
    await way.add({ type: 'limit_data', attributes: { bytes: 1_000 } });
    expect((await ask()).bytes).toBe(1_000);
  });

  it('can be reset', async () => {
    await way.add({ type: 'reset_peer', attributes: { timeout: 0 } });
    expect(await ask()).toMatchObject({ bytes: 0, error: 'ECONNRESET' });
  });

  it('can be narrow', async () => {
    await way.add({ type: 'bandwidth', attributes: { rate: 5 } });
    const { ms, ...rest } = await ask();
    expect(rest).toEqual(whole);
    expect(ms).toBeGreaterThan(400);
  });
});
