import { type Discovery, discover } from '@slipway/platform/calls/discovery';
import { Agent } from '@slipway/platform/core/undici';
import { createCheck } from '@slipway/platform/http/validation';
import { Status } from '@slipway/platform/service/status';

/** One replica as it was read; without a status, it did not answer as expected. */
export type ReplicaReading = { origin: string; status?: Status };

export type ServiceReading = { name: string; replicas: ReplicaReading[] };

export type Replicas = {
  /** The name of the service. */
  name: string;
  /** Reads the status of every replica that can be found, in parallel. */
  read(): Promise<ServiceReading>;
  /** Reads another page of the management port of every replica, in parallel. Leaves out those without such a page. */
  readPage(path: string): Promise<unknown[]>;
  /** Returns the addresses of the management ports of all replicas, also of those that were found a minute ago. */
  find(): Promise<string[]>;
  close(): void;
};

/** Maximum response time of a replica; milliseconds. */
const timeoutMs = 1_000;
/** How long a replica that is no longer found is still read: DNS forgets one as soon as it drains; milliseconds. */
const readFor = 60_000;

/** Limits the time to connect, because undici ignores the signal of a request until it has a connection. */
const agent = new Agent({ connectTimeout: timeoutMs });

/**
 * Makes the reader of a service's replicas, which are found in the same way as by calls.
 *
 * @param url the address of the service's /status, in one of the forms that `discover` reads
 * @throws {StartError} if it has none of these forms
 * @example
 * const { replicas } = await createReplicas('billing', 'dns+http://billing:9080/status').read();
 */
export function createReplicas(name: string, url: string, now = () => performance.now()): Replicas {
  const { addresses, path } = split(url);
  const discovery = discover(name, addresses);
  const answeredAt = new Map<string, number>();

  async function read(): Promise<ServiceReading> {
    return { name, replicas: await Promise.all((await origins()).map(readOne)) };
  }

  async function readPage(page: string): Promise<unknown[]> {
    const pages = await Promise.all((await origins()).map((origin) => readJson(origin, page)));
    return pages.filter((each) => each !== undefined);
  }

  /** A fault makes replicas unready, and DNS drops them. So what ends the fault needs the addresses of its start. */
  async function findAll(): Promise<string[]> {
    const found = await origins();
    for (const origin of found) answeredAt.set(origin, now());
    return found;
  }

  const origins = async () => [...new Set([...(await find(discovery)), ...recent()])];

  function recent(): string[] {
    for (const [origin, at] of answeredAt) if (now() - at > readFor) answeredAt.delete(origin);
    return [...answeredAt.keys()];
  }

  async function readOne(origin: string): Promise<ReplicaReading> {
    const status = await readStatus(origin, path);
    if (status) answeredAt.set(origin, now());
    return { origin, status };
  }

  return { name, read, readPage, find: findAll, close: discovery.close };
}

/** Splits off the path, which an address to `discover` has not. */
function split(url: string): { addresses: string; path: string } {
  const parts = url.split(',').map((each) => /^\s*([^/]*\/\/[^/?]*)([^?]*)(.*)$/.exec(each) ?? []);
  const addresses = parts.map(([, origin = '', , query = '']) => origin + query).join(',');
  return { addresses, path: parts[0]?.[2] || '/' };
}

async function find(discovery: Discovery): Promise<string[]> {
  await discovery.ready()?.catch(() => undefined);
  return discovery.origins();
}

const isStatus = createCheck<Status>(Status);

async function readStatus(origin: string, path: string): Promise<Status | undefined> {
  const status = await readJson(origin, path);
  return isStatus(status) ? status : undefined;
}

/** Reads JSON, whatever the status of the response: that of /status is 503 while a replica is not ready. */
async function readJson(origin: string, path: string): Promise<unknown> {
  try {
    // With `fetch`, a viewer of the console costs a fifth more CPU.
    const signal = AbortSignal.timeout(timeoutMs);
    const { body } = await agent.request({ origin, path, method: 'GET', signal });
    return await body.json();
  } catch {
    return undefined;
  }
}
