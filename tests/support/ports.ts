import { once } from 'node:events';
import { createServer } from 'node:net';
import { serviceNames } from '../../scripts/system.ts';
import type { Ports } from '../../scripts/topology.ts';

/** Below the range for outgoing connections, so that a port stays free while a service restarts. */
const min = 12_000;
/** Number of ports for each test process, so that concurrent processes use different ports. */
const count = 10_000;
const worker = (Number(process.env.VITEST_POOL_ID ?? 1) - 1) % 2;
const returned = new Set<number>();

/** Finds unused ports for a system. */
export async function freePorts(): Promise<Ports> {
  const pairs = await Promise.all(
    serviceNames.map(
      async (name) => [name, { port: await freePort(), management: await freePort() }] as const,
    ),
  );
  return Object.fromEntries(pairs) as Ports;
}

/** Finds a random unused port that was not returned before. */
export async function freePort(): Promise<number> {
  const port = min + worker * count + Math.floor(Math.random() * count);
  if (returned.has(port)) return freePort();
  returned.add(port);
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
