import { type ServiceName, storesOf } from '../system.ts';

/**
 * Returns the Dockerfile's arguments for a service. They name its store libraries, as its row in `system.ts` does.
 *
 * @example
 * buildArgs('users'); // { SERVICE: 'users', EMBEDDED: 'store-sqlite', DATABASE: 'store-mongodb' }
 */
export function buildArgs(service: ServiceName): Record<string, string> {
  const [embedded, database] = storesOf(service);
  return {
    SERVICE: service,
    ...(embedded && { EMBEDDED: `store-${embedded}` }),
    ...(database && { DATABASE: `store-${database}` }),
  };
}
