/** The databases of a system under test: its own files, or its own databases on real servers. */
import { randomUUID } from 'node:crypto';
import { type ServiceName, servicesOn, storesOf } from '../../scripts/system.ts';

/** `real` are the stores of production: MongoDB or Google Datastore, as the service's row in `scripts/system.ts` says. */
export type Stores = 'sqlite' | 'real';

/** The database driver of each technology. SQLite is part of Node. */
const driverOf = { sqlite: [], mongodb: ['mongodb'], datastore: ['@google-cloud/datastore'] };

export const drivers = Object.values(driverOf).flat();

/** Returns the database drivers that a service needs. */
export const driversOf = (service: ServiceName) => storesOf(service).flatMap((store) => driverOf[store]);

/** Addresses of the servers: a URL `mongodb://host:port`, and `host:port` of a Datastore emulator. */
export type Servers = { mongodb: string; datastore: string };

type Databases = {
  settings: Partial<Record<ServiceName, Record<string, string>>>;
  /** Deletes all data. */
  drop(): Promise<void>;
};

/** Returns the servers that the environment names. */
export function realServers(): Servers {
  const { TEST_MONGODB_URL = '', DATASTORE_EMULATOR_HOST = '' } = process.env;
  return { mongodb: TEST_MONGODB_URL, datastore: DATASTORE_EMULATOR_HOST };
}

/**
 * Returns settings with new database names. The services create the databases.
 *
 * @param folder for the database of the sandbox payment provider, which is not part of the system
 */
export function realDatabases(servers: Servers, folder: string): Databases {
  const name = `test-${randomUUID().slice(0, 13)}`;
  const databaseOf = (service: ServiceName) => `${name}-${service}`;
  const emulator = { DATASTORE_EMULATOR_HOST: servers.datastore, METADATA_SERVER_DETECTION: 'none' };
  const onMongo = servicesOn('mongodb').map((service) => [
    service,
    { STORE_URL: `${servers.mongodb}/${databaseOf(service)}` },
  ]);
  const onDatastore = servicesOn('datastore').map((service) => [
    service,
    { STORE_URL: `datastore://slipway/${databaseOf(service)}`, ...emulator },
  ]);
  const settings: Databases['settings'] = Object.fromEntries([...onMongo, ...onDatastore]);
  return {
    settings: { ...settings, billing: { ...settings.billing, SANDBOX_URL: `sqlite:${folder}/sandbox.db` } },
    async drop() {
      await dropMongo(servers.mongodb, servicesOn('mongodb').map(databaseOf));
      for (const service of servicesOn('datastore'))
        await emptyNamespace(servers.datastore, databaseOf(service));
    },
  };
}

async function dropMongo(url: string, names: string[]): Promise<void> {
  const { MongoClient } = await import('mongodb');
  const client = new MongoClient(url);
  await Promise.all(names.map((name) => client.db(name).dropDatabase()));
  await client.close();
}

/** Deletes all entities. A namespace disappears with its last entity. */
async function emptyNamespace(apiEndpoint: string, namespace: string): Promise<void> {
  const { Datastore } = await import('@google-cloud/datastore');
  const datastore = new Datastore({ projectId: 'slipway', namespace, apiEndpoint });
  for (;;) {
    const [found] = await datastore.runQuery(datastore.createQuery().select('__key__').limit(500));
    if (found.length === 0) return;
    await datastore.delete(found.map((entity) => entity[datastore.KEY]));
  }
}
