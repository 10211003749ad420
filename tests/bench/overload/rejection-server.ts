/**
 * A response of bare Fastify, responses that cost as little as they can, and the platform's rejections: the server of the
 * table of rejections.
 */
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { getHeapStatistics } from 'node:v8';
import { buildService, defineService } from '@slipway/platform/service/service';
import { platformSettings, readSettings } from '@slipway/platform/service/settings';
import Fastify from 'fastify';
import { eventually } from '../../support/people.ts';

/** Requests that take all permits of a route: 192, and 16 that need none. */
const held = 208;

const fields = {
  'content-type': 'application/problem+json',
  'cache-control': 'no-store',
  'retry-after': '1',
};
const body = JSON.stringify({ status: 503, code: 'overloaded', title: 'Overloaded, retry later' });

async function bare(): Promise<Server> {
  const app = Fastify();
  app.get('/things/:id', async () => ({ done: true }));
  await app.ready();
  return app.server;
}

/** Answers each packet without reading it: what remains is the cost of the kernel and of Node's sockets. */
async function socket(): Promise<Server> {
  const lines = Object.entries({ ...fields, 'content-length': body.length }).map((field) => field.join(': '));
  const response = ['HTTP/1.1 503 Service Unavailable', ...lines, '', body].join('\r\n');
  return createServer((client) => client.on('data', () => client.write(response, 'latin1')));
}

async function http(): Promise<Server> {
  return createHttpServer((_request, response) => {
    response.writeHead(503, { ...fields, 'content-length': body.length }).end(body);
  });
}

/** A service that answers a request at once, except for those that take the permits of its route for ever. */
async function platform(): Promise<Server> {
  const shop = defineService({
    name: 'shop',
    version: '0',
    settings: platformSettings,
    register(app) {
      const config: object = { timeoutMs: 600_000 };
      app.get('/things/:id', { config }, (request, reply) => {
        if (!request.url.endsWith('/held')) void reply.send({ done: true });
      });
    },
  });
  return (await buildService(shop, readSettings(shop.settings, {}))).app.server;
}

const makers: Record<string, () => Promise<Server>> = {
  bare,
  socket,
  http,
  deadline: platform,
  permit: platform,
};
const [variant = ''] = process.argv.slice(2);
const server = await makers[variant]?.();
if (!server) throw new Error(`There is no variant ${variant}`);
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
if (variant === 'permit') {
  const request = `GET /things/held HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`;
  for (let count = 0; count < held; count += 1) connect(port, '127.0.0.1').write(request);
  const probe = () => fetch(`http://127.0.0.1:${port}/things/7`);
  await eventually('all permits are taken', async () => (await probe()).status === 503);
}

process.on('disconnect', () => process.exit());
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ port, cpu: user + system, allocated: getHeapStatistics().total_allocated_bytes });
});
