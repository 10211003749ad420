import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { buildTestService } from '../testing/service.ts';
import { defineService } from './service.ts';
import { platformSettings } from './settings.ts';

const size = 20_000_000;
let served = 0;

const sample = defineService({
  name: 'sample',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    app.get('/large', (_request, reply) => {
      reply.raw.once('prefinish', () => {
        served += 1;
      });
      return reply.send(Buffer.alloc(size));
    });
  },
});

it('a response that is written, but not yet read, arrives whole though the service closes, and then its connection ends', async () => {
  const { app } = await buildTestService(sample);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const call = get({ port: (app.server.address() as AddressInfo).port, path: '/large' });
  const response = await new Promise<IncomingMessage>((resolve) => call.once('response', resolve));
  await expect.poll(() => served).toBe(1);
  const closed = app.close();
  expect(await buffer(response)).toHaveLength(size);
  await closed;
});
