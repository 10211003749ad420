import { Resolver } from 'node:dns/promises';
import { StartError } from '../core/start-error.ts';
import { type Address, type Addresses, createAddresses } from './addresses.ts';

/** Finds where a service can be reached. */
export type Discovery = Omit<Addresses, 'replace'> & {
  /** Resolves when addresses are known; rejects with the resolver's error when there is none yet. */
  ready(): Promise<void> | undefined;
  close(): void;
};

/** How often DNS is asked; milliseconds. The lifetime of a record in a Kubernetes cluster is as long. */
const refreshInterval = 5_000;

/**
 * Reads a service's address: `http://host:port`, several of them with commas between, `dns+http://host:port` for
 * every address of a name, or `srv+http://_http._tcp.name`. The last two optionally with the DNS server to ask
 * (`?dns=127.0.0.1:8600`, as for Consul).
 *
 * @throws {StartError} if it is none of these.
 */
export function discover(service: string, address: string): Discovery {
  if (address.startsWith('srv+')) return byDns(toUrl(service, address), srvTargets);
  if (address.startsWith('dns+')) return byDns(toUrl(service, address), hostAddresses);
  return fixed(service, address);
}

function fixed(service: string, address: string): Discovery {
  const addresses = createAddresses();
  const origins = address.split(',').map((each) => toUrl(service, each.trim()).origin);
  addresses.replace(origins.map((origin) => ({ origin, priority: 0, weight: 1 })));
  return { ...addresses, ready: () => undefined, close: () => undefined };
}

const protocols = new Set(['http:', 'https:', 'dns+http:', 'srv+http:']);

function toUrl(service: string, address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && protocols.has(url.protocol) && url.hostname && url.pathname.length <= 1) return url;
  throw new StartError(
    `The address of ${service} is not http://host:port, dns+http://host:port or srv+http://_http._tcp.name: ${address}`,
  );
}

type LookUp = (resolver: Resolver, url: URL) => Promise<Address[]>;

/** Asks DNS again and again; when it does not answer, the last answer stays good. */
function byDns(url: URL, lookUp: LookUp): Discovery {
  const resolver = new Resolver({ timeout: 1_000, tries: 2 });
  const server = url.searchParams.get('dns');
  if (server) resolver.setServers([server]);
  const addresses = createAddresses();
  let known = false;
  let asking: Promise<void> | undefined;

  async function refresh(): Promise<void> {
    const found = await lookUp(resolver, url);
    if (found.length === 0) throw new Error(`${url.hostname} has no address`);
    addresses.replace(found);
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

/** The replicas behind one name, as Compose and headless Services of Kubernetes give them. */
async function hostAddresses(resolver: Resolver, { hostname, port }: URL): Promise<Address[]> {
  const ips = await addressesOf(resolver, hostname);
  return ips.map((ip) => ({ origin: `http://${ip}:${port || 80}`, priority: 0, weight: 1 }));
}

async function srvTargets(resolver: Resolver, { hostname }: URL): Promise<Address[]> {
  const records = await resolver.resolveSrv(hostname);
  const found = await Promise.all(
    records.map(async ({ name, port, priority, weight }) => {
      const ips = await addressesOf(resolver, name);
      return ips.map((ip) => ({ origin: `http://${ip}:${port}`, priority, weight }));
    }),
  );
  return found.flat();
}

/** A target without an address is left out: it may be on its way in or out. */
async function addressesOf(resolver: Resolver, name: string): Promise<string[]> {
  const four = await resolver.resolve4(name).catch(() => []);
  if (four.length > 0) return four;
  const six = await resolver.resolve6(name).catch(() => []);
  return six.map((ip) => `[${ip}]`);
}
