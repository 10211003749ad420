/**
 * The table of the system: one row for each service. Any other list of services is derived from this table, or a test
 * compares the two. The services' operations are listed in `libs/contracts/src/operations.ts`, in the same order.
 *
 * This file imports nothing, so that the job which creates Compose's secrets can load it inside an image.
 */

type Row<Name extends string> = {
  /** The service's purpose, in one sentence. */
  help: string;
  /** Its ports under `npm start`. In a container, every service listens on 8080 and 9080. */
  port: number;
  management: number;
  /** The services that it sends requests to; `all` if it forwards to every other service. */
  calls: readonly Name[] | 'all';
  /** The services that it delivers its events to. */
  eventsTo: readonly Name[];
  /** Reads the published key set of users, to verify access tokens. */
  readsKeys: boolean;
  /** Its embedded store under `npm start`, and its store in Compose and in a cluster. */
  store: 'none' | 'sqlite+mongodb' | 'sqlite+datastore';
  /** Has the secret that services present to each other. */
  serviceToken: boolean;
  /** Whether it runs jobs. */
  jobs: boolean;
};

/** Returns the rows. A row may only name services that have one, or `npm run types` fails. */
const defineSystem = <Name extends string>(rows: Record<Name, Row<NoInfer<Name>>>) => rows;

export const system = defineSystem({
  gateway: {
    help: 'The only public entry point.',
    port: 8080,
    management: 4100,
    calls: 'all',
    eventsTo: [],
    readsKeys: true,
    store: 'none',
    serviceToken: false,
    jobs: false,
  },
  users: {
    help: 'Accounts and authentication.',
    port: 4001,
    management: 4101,
    calls: [],
    eventsTo: ['reporting'],
    readsKeys: false,
    store: 'sqlite+mongodb',
    serviceToken: true,
    jobs: true,
  },
  billing: {
    help: 'Plans, subscriptions, usage, invoices, payments.',
    port: 4002,
    management: 4102,
    calls: [],
    eventsTo: ['reporting'],
    readsKeys: true,
    store: 'sqlite+mongodb',
    serviceToken: true,
    jobs: true,
  },
  reporting: {
    help: 'Reports, counted from events.',
    port: 4003,
    management: 4103,
    calls: [],
    eventsTo: [],
    readsKeys: true,
    store: 'sqlite+datastore',
    serviceToken: true,
    jobs: true,
  },
});

export type ServiceName = keyof typeof system;

export const serviceNames = Object.keys(system) as ServiceName[];

/** A technology to store data with. The library of each is `libs/store-<technology>`. */
type Technology = 'sqlite' | 'mongodb' | 'datastore';

/** Returns what a service can store its data in, the embedded store first; nothing if it has no store. */
export function storesOf(name: ServiceName): Technology[] {
  const { store } = system[name];
  return store === 'none' ? [] : (store.split('+') as Technology[]);
}

/** Returns the services that can store their data in a technology. */
export const servicesOn = (technology: Technology): ServiceName[] =>
  serviceNames.filter((name) => storesOf(name).includes(technology));

/**
 * Returns the services that a service sends requests or events to. The key set of users is left out: callers cache it,
 * so they do not depend on users while they stop.
 */
export function calledBy(name: ServiceName): ServiceName[] {
  const { calls, eventsTo } = system[name];
  const called = calls === 'all' ? serviceNames.filter((other) => other !== name) : calls;
  return [...new Set([...called, ...eventsTo])];
}

/** Returns the services whose addresses a service has in its settings. */
export function addressesOf(name: ServiceName): ServiceName[] {
  const keys: ServiceName[] = system[name].readsKeys ? ['users'] : [];
  return serviceNames.filter((other) => [...keys, ...calledBy(name)].includes(other));
}

/** All services in groups. Callers stop before the services they call, so that requests in flight can finish. */
export const stopOrder: ServiceName[][] = groupsOf(serviceNames);

/** Groups services by the order in which they stop: first those that no other of `left` calls. */
function groupsOf(left: ServiceName[]): ServiceName[][] {
  if (left.length === 0) return [];
  const called = new Set(left.flatMap(calledBy));
  const first = left.filter((name) => !called.has(name));
  if (first.length === 0)
    throw new Error(`The calls of ${left.join(', ')} form a cycle in scripts/system.ts`);
  return [first, ...groupsOf(left.filter((name) => called.has(name)))];
}
