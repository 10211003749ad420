import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Ports, serviceNames } from '../../scripts/topology.ts';

/** Below the range that the system takes for outgoing connections: a port stays free while a service restarts. */
const lowest = 12_000;
/** Each of the processes that run tests at the same time takes from ports of its own. */
const each = 10_000;
const worker = (Number(process.env.VITEST_POOL_ID ?? 1) - 1) % 2;
const given = new Set<number>();

/** Ports for one system that nobody listens on. */
export async function freePorts(): Promise<Ports> {
  const pairs = await Promise.all(
    serviceNames.map(
      async (name) => [name, { port: await freePort(), management: await freePort() }] as const,
    ),
  );
  return Object.fromEntries(pairs) as Ports;
}

/** A random port that nobody listens on, and that was not given before. */
export async function freePort(): Promise<number> {
  const port = lowest + worker * each + Math.floor(Math.random() * each);
  if (given.has(port)) return freePort();
  given.add(port);
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return freePort();
  }
  probe.close();
  await once(probe, 'close');
  return port;
}
