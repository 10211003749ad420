import { CANCELLED, NOTFOUND, Resolver } from 'node:dns/promises';
import { StartError } from '../core/start-error.ts';
import { type Address, type Addresses, createAddresses } from './addresses.ts';

/** Finds the addresses of a service. */
export type Discovery = Omit<Addresses, 'replace'> & {
  /** Waits for the first addresses; `undefined` if known already. Rejects if the lookup fails. */
  ready(): Promise<void> | undefined;
  close(): void;
};

/** Milliseconds between two DNS lookups, the default TTL of CoreDNS's records of a cluster. */
const refreshInterval = 5_000;

/**
 * Reads a service's address: `http://host:port`, several of these separated by commas, `dns+http://host:port` for every
 * address of a name, or `srv+http://_http._tcp.name`. The last two may name the DNS server to ask
 * (`?dns=127.0.0.1:8600`, as for Consul).
 *
 * @throws {StartError} if the address has none of these forms.
 */
export function discover(service: string, address: string): Discovery {
  if (address.startsWith('srv+')) return byDns(toUrl(service, address), srvTargets);
  if (address.startsWith('dns+')) return byDns(toUrl(service, address), hostAddresses);
  return fixed(service, address);
}

function fixed(service: string, address: string): Discovery {
  const addresses = createAddresses();
  const origins = address.split(',').map((each) => toUrl(service, each.trim(), address).origin);
  addresses.replace(origins.map((origin) => ({ origin, priority: 0, weight: 1 })));
  return { ...addresses, ready: () => undefined, close: () => undefined };
}

const protocols = new Set(['http:', 'https:', 'dns+http:', 'srv+http:']);

/** @param given the whole setting, which the error names */
function toUrl(service: string, address: string, given = address): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && protocols.has(url.protocol) && url.hostname && url.pathname.length <= 1) return url;
  throw new StartError(
    `The address of ${service} is not http://host:port, dns+http://host:port or srv+http://_http._tcp.name: ${given}`,
  );
}

type Lookup = (resolver: Resolver, url: URL) => Promise<Address[]>;

/** Looks addresses up in DNS at regular intervals; if DNS does not answer, the last addresses remain in use. */
function byDns(url: URL, lookup: Lookup): Discovery {
  const resolver = new Resolver({ timeout: 1_000, tries: 2 });
  const server = url.searchParams.get('dns');
  if (server) resolver.setServers([server]);
  const addresses = createAddresses();
  let known = false;
  let isClosed = false;
  let pending: Promise<void> | undefined;

  async function refresh(): Promise<void> {
    if (isClosed) throw noAddress(url, CANCELLED);
    const found = await lookup(resolver, url);
    if (found.length === 0) throw noAddress(url, NOTFOUND);
    addresses.replace(found);
    known = true;
  }
  /** Calls that come before the first answer share one lookup. */
  function firstAnswer(): Promise<void> {
    pending ??= refresh().finally(() => {
      pending = undefined;
    });
    return pending;
  }
  // Asks early, so that the first call rarely waits for the answer.
  firstAnswer().catch(() => undefined);
  const timer = setInterval(() => void refresh().catch(() => undefined), refreshInterval).unref();

  return {
    ...addresses,
    ready: () => (known ? undefined : firstAnswer()),
    close() {
      isClosed = true;
      clearInterval(timer);
      resolver.cancel();
    },
  };
}

/** Makes the error of a lookup without an answer, with the fields of Node's own, by which a call knows what has failed. */
function noAddress({ hostname }: URL, code: string): Error {
  return Object.assign(new Error(`${hostname} has no address (${code})`), {
    code,
    syscall: 'queryA',
    hostname,
  });
}

/** Returns the replicas behind one name, as in Compose and for headless Services of Kubernetes. */
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

/** Returns no address if the lookup of a name fails: one target must not make the others unusable. */
async function addressesOf(resolver: Resolver, name: string): Promise<string[]> {
  const four = await resolver.resolve4(name).catch(noneUnlessClosed);
  if (four.length > 0) return four;
  const six = await resolver.resolve6(name).catch(noneUnlessClosed);
  return six.map((ip) => `[${ip}]`);
}

/** Throws the error of a lookup that `close` has ended, so that no other follows. */
function noneUnlessClosed(error: NodeJS.ErrnoException): string[] {
  if (error.code === CANCELLED) throw error;
  return [];
}
