import { readFileSync } from 'node:fs';

const apps = new URL('../../apps/', import.meta.url);
const prefix = '@slipway/';

/** The store library that needs no server. */
const embedded = 'store-sqlite';

/**
 * Returns the Dockerfile's arguments for a service. Its package.json lists the store libraries that it uses.
 *
 * @example
 * buildArgs('users'); // { SERVICE: 'users', EMBEDDED: 'store-sqlite', DATABASE: 'store-mongodb' }
 */
export function buildArgs(service: string): Record<string, string> {
  const { dependencies } = JSON.parse(readFileSync(new URL(`${service}/package.json`, apps), 'utf8'));
  const stores = Object.keys(dependencies)
    .filter((name) => name.startsWith(`${prefix}store-`))
    .map((name) => name.slice(prefix.length));
  return {
    SERVICE: service,
    ...(stores.includes(embedded) && { EMBEDDED: embedded }),
    ...databaseOf(service, stores),
  };
}

function databaseOf(service: string, stores: string[]): Record<string, string> {
  const [database, ...more] = stores.filter((store) => store !== embedded);
  if (more.length > 0)
    throw new Error(`The Dockerfile has an argument for one database of ${service}, not two`);
  return database ? { DATABASE: database } : {};
}
