/** How `npm start` and the tests run the system of `system.ts`: each service with its addresses and settings. */
import { addressesOf, type ServiceName, serviceNames, system } from './system.ts';

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
  /** The token with which the gateway starts experiments. */
  experimentsToken: string;
};

export const localPorts = Object.fromEntries(
  serviceNames.map((name) => [name, { port: system[name].port, management: system[name].management }]),
) as Ports;

/** The address of all services. It overrides HOST of the environment, which conda sets to the name of a compiler. */
const host = '127.0.0.1';

type Options = { dataDir: string; ports: Ports; secrets: Secrets };

/**
 * Returns all services, configured as one system.
 *
 * @example
 * topology({ dataDir: 'data', ports: localPorts, secrets }).map(({ name, address }) => `${name} ${address}`);
 */
export function topology(options: Options): ServiceSpec[] {
  return serviceNames.map((name) => {
    const { port, management } = options.ports[name];
    return {
      name,
      address: `http://${host}:${port}`,
      management: `http://${host}:${management}`,
      settings: { ...settingsOf(name, options), ...ownSettings(options)[name] },
    };
  });
}

/** Returns the settings that follow from a service's row. */
function settingsOf(name: ServiceName, { dataDir, ports, secrets }: Options): Record<string, string> {
  const { store, serviceToken, calls } = system[name];
  const address = (port: number) => `http://${host}:${port}`;
  const urls = addressesOf(name).flatMap((other) => {
    const variable = other.toUpperCase();
    const { port, management } = ports[other];
    const url = [`${variable}_URL`, address(port)];
    return calls === 'all' ? [url, [`${variable}_STATUS_URL`, `${address(management)}/status`]] : [url];
  });
  return {
    HOST: host,
    PORT: String(ports[name].port),
    MANAGEMENT_PORT: String(ports[name].management),
    MANAGEMENT_TOKEN: secrets.managementToken,
    EXPERIMENTS_TOKEN: secrets.experimentsToken,
    ...Object.fromEntries(urls),
    ...(store !== 'none' && { STORE_URL: `sqlite:${dataDir}/${name}.db` }),
    ...(serviceToken && { SERVICE_TOKEN: secrets.serviceToken }),
  };
}

/** Settings that one service alone has. */
function ownSettings({ dataDir, secrets }: Options): Partial<Record<ServiceName, Record<string, string>>> {
  return {
    users: {
      ADMIN_EMAIL: secrets.adminEmail,
      ADMIN_PASSWORD: secrets.adminPassword,
      // The gateway, which calls users from this machine. Proxies in front of the gateway are a setting of the gateway.
      TRUSTED_PROXIES: 'loopback',
    },
    reporting: { ANALYTICS_FOLDER: `${dataDir}/analytics` },
  };
}
