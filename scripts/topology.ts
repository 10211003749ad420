/** The topology of the system: the services, their ports, and which service calls which. */

export const serviceNames = ['gateway', 'users', 'billing', 'reporting'] as const;

export type ServiceName = (typeof serviceNames)[number];

export type Ports = Record<ServiceName, { port: number; management: number }>;

/** A service as `npm start` and the tests run it: in its own process, with its addresses and settings. */
export type ServiceSpec = {
  name: ServiceName;
  address: string;
  management: string;
  settings: Record<string, string>;
};

export type Secrets = {
  adminEmail: string;
  adminPassword: string;
  /** The token that services present to each other. */
  serviceToken: string;
  /** The token that an operator presents to the management ports. */
  managementToken: string;
};

export const localPorts: Ports = {
  gateway: { port: 8080, management: 4100 },
  users: { port: 4001, management: 4101 },
  billing: { port: 4002, management: 4102 },
  reporting: { port: 4003, management: 4103 },
};

/** Callers stop before the services they call, so that requests in flight can finish. */
export const stopOrder: ServiceName[][] = [['gateway'], ['users', 'billing'], ['reporting']];

/** The address on which all services listen. It overrides HOST of the environment, which conda sets to the name of a compiler. */
const host = '127.0.0.1';

type Options = { dataDir: string; ports: Ports; secrets: Secrets };

/**
 * Returns the four services, configured as one system.
 *
 * @example
 * topology({ dataDir: 'data', ports: localPorts, secrets }).map(({ name, address }) => `${name} ${address}`);
 */
export function topology({ dataDir, ports, secrets }: Options): ServiceSpec[] {
  const address = (name: ServiceName) => `http://${host}:${ports[name].port}`;
  const store = (name: ServiceName) => `sqlite:${dataDir}/${name}.db`;
  const {
    serviceToken: SERVICE_TOKEN,
    managementToken: MANAGEMENT_TOKEN,
    adminEmail,
    adminPassword,
  } = secrets;
  const USERS_URL = address('users');
  const REPORTING_URL = address('reporting');
  const managementOf = (name: ServiceName) => `http://${host}:${ports[name].management}`;
  const settings: Record<ServiceName, Record<string, string>> = {
    gateway: {
      USERS_URL,
      BILLING_URL: address('billing'),
      REPORTING_URL,
      USERS_STATUS_URL: `${managementOf('users')}/status`,
      BILLING_STATUS_URL: `${managementOf('billing')}/status`,
      REPORTING_STATUS_URL: `${managementOf('reporting')}/status`,
    },
    users: {
      STORE_URL: store('users'),
      REPORTING_URL,
      SERVICE_TOKEN,
      ADMIN_EMAIL: adminEmail,
      ADMIN_PASSWORD: adminPassword,
      // The gateway, whatever proxies are in front of that.
      TRUSTED_PROXIES: 'loopback',
    },
    billing: {
      STORE_URL: store('billing'),
      USERS_URL,
      REPORTING_URL,
      SERVICE_TOKEN,
    },
    reporting: { STORE_URL: store('reporting'), USERS_URL, SERVICE_TOKEN },
  };
  return serviceNames.map((name) => {
    const { port, management } = ports[name];
    return {
      name,
      address: address(name),
      management: managementOf(name),
      settings: {
        ...settings[name],
        HOST: host,
        PORT: String(port),
        MANAGEMENT_PORT: String(management),
        MANAGEMENT_TOKEN,
      },
    };
  });
}
