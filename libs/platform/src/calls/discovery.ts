import { Resolver } from 'node:dns/promises';
import { StartError } from '../service/start-error.ts';
import { type Address, type Addresses, createAddresses } from './addresses.ts';

/** Finds where a service can be reached. */
export type Discovery = Omit<Addresses, 'replace'> & {
  /** Resolves when addresses are known; rejects with the resolver's error when there is none yet. */
  ready(): Promise<void> | undefined;
  close(): void;
};

/** How often DNS SRV is asked; milliseconds. The lifetime of a record in a Kubernetes cluster is as long. */
const refreshInterval = 5_000;

/**
 * Reads a service's address: `http://host:port`, several of them with commas between, or
 * `srv+http://_http._tcp.name`, optionally with the DNS server to ask (`?dns=127.0.0.1:8600`, as for Consul).
 *
 * @throws {StartError} if it is none of these.
 */
export function discover(service: string, address: string): Discovery {
  return address.startsWith('srv+') ? bySrv(toUrl(service, address)) : fixed(service, address);
}

function fixed(service: string, address: string): Discovery {
  const addresses = createAddresses();
  const origins = address.split(',').map((each) => toUrl(service, each.trim()).origin);
  addresses.replace(origins.map((origin) => ({ origin, priority: 0, weight: 1 })));
  return { ...addresses, ready: () => undefined, close: () => undefined };
}

const protocols = new Set(['http:', 'https:', 'srv+http:']);

function toUrl(service: string, address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && protocols.has(url.protocol) && url.hostname && url.pathname.length <= 1) return url;
  throw new StartError(
    `The address of ${service} is neither http://host:port nor srv+http://_http._tcp.name: ${address}`,
  );
}

/** Asks DNS again and again; when it does not answer, the last answer stays good. */
function bySrv(url: URL): Discovery {
  const resolver = new Resolver({ timeout: 1_000, tries: 2 });
  const server = url.searchParams.get('dns');
  if (server) resolver.setServers([server]);
  const addresses = createAddresses();
  let known = false;
  let asking: Promise<void> | undefined;

  async function refresh(): Promise<void> {
    addresses.replace(await lookUp(resolver, url));
    known = true;
  }
  /** Calls that come before the first answer wait for one question together. */
  function firstAnswer(): Promise<void> {
    asking ??= refresh().finally(() => {
      asking = undefined;
    });
    return asking;
  }
  const timer = setInterval(() => void refresh().catch(() => undefined), refreshInterval).unref();

  return {
    ...addresses,
    ready: () => (known ? undefined : firstAnswer()),
    close() {
      clearInterval(timer);
      resolver.cancel();
    },
  };
}

async function lookUp(resolver: Resolver, url: URL): Promise<Address[]> {
  const records = await resolver.resolveSrv(url.hostname);
  const found = await Promise.all(
    records.map(async ({ name, port, priority, weight }) => {
      const ips = await addressesOf(resolver, name);
      return ips.map((ip) => ({ origin: `http://${ip}:${port}`, priority, weight }));
    }),
  );
  if (found.flat().length === 0) throw new Error(`${url.hostname} has no address`);
  return found.flat();
}

/** A target without an address is left out: it may be on its way in or out. */
async function addressesOf(resolver: Resolver, name: string): Promise<string[]> {
  const four = await resolver.resolve4(name).catch(() => []);
  if (four.length > 0) return four;
  const six = await resolver.resolve6(name).catch(() => []);
  return six.map((ip) => `[${ip}]`);
}
