import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Ports, serviceNames } from '../../scripts/topology.ts';

/** Below the range that the system takes for outgoing connections: a port stays free while a service restarts. */
const lowest = 12_000;
const highest = 32_000;

/** Ports for one system that nobody listens on. */
export async function freePorts(): Promise<Ports> {
  const pairs = await Promise.all(
    serviceNames.map(
      async (name) => [name, { port: await freePort(), management: await freePort() }] as const,
    ),
  );
  return Object.fromEntries(pairs) as Ports;
}

/** A random port that nobody listens on. */
export async function freePort(): Promise<number> {
  const port = lowest + Math.floor(Math.random() * (highest - lowest));
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
