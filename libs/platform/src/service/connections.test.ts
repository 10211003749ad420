import { Agent, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { buildTestService } from '../testing/service.ts';
import { defineService } from './service.ts';
import { platformSettings } from './settings.ts';

const size = 20_000_000;
let served = 0;
let last: WeakRef<object> | undefined;

const sample = defineService({
  name: 'sample',
  version: '1.0.0',
  settings: platformSettings,
  register(app) {
    app.get('/small', (_request, { raw }) => {
      last = new WeakRef(raw);
      return 'small';
    });
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

it('an idle connection does not keep its last request in memory', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const { app } = await buildTestService(sample);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const agent = new Agent({ keepAlive: true });
  const call = get({ port: (app.server.address() as AddressInfo).port, path: '/small', agent });
  const response = await new Promise<IncomingMessage>((resolve) => call.once('response', resolve));
  await buffer(response);
  expect(last).toBeDefined();
  await expect
    .poll(() => {
      collectGarbage();
      return last?.deref();
    })
    .toBeUndefined();
  expect(Object.values(agent.freeSockets)).toHaveLength(1);
  agent.destroy();
  await app.close();
});
