/** The descriptions of Slipway's own services. */
import { randomUUID } from 'node:crypto';
import { listPlans, listSubscriptions, subscribe } from '@slipway/contracts/billing';
import { getRevenue } from '@slipway/contracts/reporting';
import { getKeys, getMe, logIn } from '@slipway/contracts/users';
import { deliverEvents } from '@slipway/platform/events/inbox';
import { newSecrets } from '../../scripts/secrets.ts';
import { type ServiceName, serviceNames } from '../../scripts/system.ts';
import { type Ports, type ServiceSpec, topology } from '../../scripts/topology.ts';
import { ok } from '../support/http.ts';
import { newPerson, type Person } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';
import type { Ask, Command, Description } from './service.ts';

/** Milliseconds for which a service accepts new requests after SIGTERM. */
const drainDelay = 800;

/** An address where nothing listens. */
const nowhere = 'http://127.0.0.1:9';

/** The requests that the suite sends to a service. */
type Requests = Pick<Description, 'read' | 'write' | 'guarded' | 'idempotent'>;

/** Descriptions of running services, with requests that need no token. Nothing in reporting is public. */
export const runningServices: Description[] = [
  { name: 'gateway', read: { path: listPlans.url }, guarded: { path: getMe.url } },
  { name: 'users', read: { path: getKeys.url }, guarded: { path: getMe.url } },
  { name: 'billing', read: { path: listPlans.url }, guarded: { path: listSubscriptions.url } },
];

/** A running system, whose services are described. The processes that the suite starts use its databases. */
export type DescribedSystem = { descriptions: Description[]; stop(): Promise<void> };

/** The access that the descriptions of a running system need. Without the services' token, no delivery of events is described. */
type Access = Pick<System, 'base' | 'admin'> & { serviceToken?: string };

/** Describes the services of a running system, with requests of a new customer and of the administrator. */
export async function describeRunning(access: Access): Promise<Description[]> {
  const requests = await requestsOf(access);
  return serviceNames.map((name) => ({ name, ...requests[name] }));
}

/** Starts the system, and describes each of its services. */
export async function describeSystem(): Promise<DescribedSystem> {
  const secrets = newSecrets();
  const system = await startSystem({ secrets, env: settings });
  const { services, dataDir } = system;
  const names = Object.keys(services) as ServiceSpec['name'][];
  const ports = Object.fromEntries(
    names.map((name) => [name, { port: portOf(services[name].address), management: 0 }]),
  ) as Ports;
  const specs = topology({ dataDir, ports, secrets });
  const descriptions = await describeRunning(system);
  return {
    descriptions: descriptions.map((description) => ({
      ...description,
      command: commandOf(specs.find(({ name }) => name === description.name) as ServiceSpec),
    })),
    stop: () => system.stop(),
  };
}

const portOf = (address: string) => Number(new URL(address).port);

/** Settings of every process. The limits of requests per minute are higher than what the suite sends. */
const settings = {
  DRAIN_DELAY_MS: String(drainDelay),
  RATE_LIMIT: '100000000',
  RATE_LIMIT_SIGN_IN: '100000000',
  LOG_LEVEL: 'warn',
};

function commandOf(spec: ServiceSpec): Command {
  const addresses = Object.keys(spec.settings).filter((name) => /^(?!STORE_).*_URL$/.test(name));
  return {
    run: [process.execPath, `apps/${spec.name}/src/main.ts`],
    settings: { ...spec.settings, ...settings },
    port: 'PORT',
    managementPort: 'MANAGEMENT_PORT',
    drainDelay,
    wrong: { LOG_LEVEL: 'loud', REQUEST_TIMEOUT_MS: 'soon', DRAIN_DELAY_MS: '-1' },
    isolated: Object.fromEntries(addresses.map((name) => [name, nowhere])),
    traced: (endpoint) => ({
      OTEL_TRACES_EXPORTER: 'zipkin',
      OTEL_EXPORTER_ZIPKIN_ENDPOINT: endpoint,
      OTEL_TRACES_SAMPLER: 'always_on',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    }),
  };
}

/** The requests of each service, with the tokens that they need. */
async function requestsOf({ base, admin, serviceToken }: Access): Promise<Record<ServiceName, Requests>> {
  const person = await newPerson(base);
  const { accessToken } = await ok(base, logIn, { body: admin });
  const subscription = creation(subscribe.url, person.token, { planId: 'starter' });
  const idempotent = { ...subscription, otherBody: { planId: 'pro' } };
  const session = logInOf(person);
  return {
    gateway: { read: { path: listPlans.url }, write: session, guarded: { path: getMe.url }, idempotent },
    users: {
      read: { path: getMe.url, headers: bearer(person.token) },
      write: session,
      guarded: { path: getMe.url },
    },
    billing: {
      read: { path: listPlans.url },
      write: subscription,
      guarded: { path: listSubscriptions.url },
      idempotent,
    },
    reporting: {
      read: { path: getRevenue.url, headers: bearer(accessToken) },
      write: serviceToken ? delivery(serviceToken) : undefined,
      guarded: { path: getRevenue.url },
    },
  };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** A request that creates something once for its key. */
const creation = (path: string, token: string, body: object): Ask => ({
  method: 'POST',
  path,
  headers: { ...bearer(token), 'idempotency-key': randomUUID() },
  body,
});

function logInOf({ email, password }: Person): Ask {
  return { method: 'POST', path: logIn.url, body: { email, password } };
}

/** The delivery of one event, which is applied once, however often it is sent. */
function delivery(serviceToken: string): Ask {
  const at = new Date().toISOString();
  const event = { id: randomUUID(), type: 'user.signed_up', at, source: 'users', data: { userId: 'ada' } };
  return {
    method: 'POST',
    path: deliverEvents.url,
    headers: bearer(serviceToken),
    body: { events: [event] },
  };
}
