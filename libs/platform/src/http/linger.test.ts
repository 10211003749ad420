import { connect } from 'node:net';
import Fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import type { App } from '../core/app.ts';
import { registerLinger } from './linger.ts';

const timeoutMs = 200;
const app = Fastify();
registerLinger(app as unknown as App, timeoutMs);
app.addHook('onRequest', async (_request, reply) => reply.code(413).send('too much'));
app.post('/', async () => 'never');
afterEach(() => app.close());

describe('a client that receives a response before it has sent its body', () => {
  it('can read the response, may continue to send for a while, and is then disconnected', async () => {
    const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
    const socket = connect(Number(port), '127.0.0.1');
    let answer = '';
    let answeredAt = 0;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      answer += chunk;
      answeredAt ||= performance.now();
    });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n');
    const drip = setInterval(() => socket.write('x'), 10);
    await closed;
    clearInterval(drip);
    expect(answer).toMatch(/^HTTP\/1.1 413 .*too much$/s);
    expect(performance.now() - answeredAt).toBeGreaterThan(timeoutMs / 2);
  });
});
