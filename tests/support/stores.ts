/** The databases that a system under test runs on: its own files, or databases of its own on real servers. */
import { randomUUID } from 'node:crypto';
import type { ServiceName } from '../../scripts/topology.ts';

/** `real` is what production has: users and billing on MongoDB, reporting on Google Datastore. */
export type Stores = 'sqlite' | 'real';

/** Where the servers are: a URL `mongodb://host:port`, and `host:port` of a Datastore emulator. */
export type Servers = { mongodb: string; datastore: string };

type Databases = {
  settings: Partial<Record<ServiceName, Record<string, string>>>;
  /** Removes everything that was written. */
  drop(): Promise<void>;
};

/** The servers that the environment names. */
export function realServers(): Servers {
  const { TEST_MONGODB_URL = '', DATASTORE_EMULATOR_HOST = '' } = process.env;
  return { mongodb: TEST_MONGODB_URL, datastore: DATASTORE_EMULATOR_HOST };
}

/**
 * Names databases that nobody else uses; the services make them.
 *
 * @param folder where the sandbox payment provider, which is outside of the system, keeps its books
 */
export function realDatabases(servers: Servers, folder: string): Databases {
  const name = `test-${randomUUID().slice(0, 13)}`;
  const emulator = { DATASTORE_EMULATOR_HOST: servers.datastore, METADATA_SERVER_DETECTION: 'none' };
  return {
    settings: {
      users: { STORE_URL: `${servers.mongodb}/${name}-users` },
      billing: {
        STORE_URL: `${servers.mongodb}/${name}-billing`,
        SANDBOX_URL: `sqlite:${folder}/sandbox.db`,
      },
      reporting: { STORE_URL: `datastore://slipway/${name}`, ...emulator },
    },
    async drop() {
      await dropMongo(servers.mongodb, [`${name}-users`, `${name}-billing`]);
      await emptyNamespace(servers.datastore, name);
    },
  };
}

async function dropMongo(url: string, names: string[]): Promise<void> {
  const { MongoClient } = await import('mongodb');
  const client = new MongoClient(url);
  await Promise.all(names.map((name) => client.db(name).dropDatabase()));
  await client.close();
}

/** A namespace is gone with its last entity. */
async function emptyNamespace(apiEndpoint: string, namespace: string): Promise<void> {
  const { Datastore } = await import('@google-cloud/datastore');
  const datastore = new Datastore({ projectId: 'slipway', namespace, apiEndpoint });
  for (;;) {
    const [found] = await datastore.runQuery(datastore.createQuery().select('__key__').limit(500));
    if (found.length === 0) return;
    await datastore.delete(found.map((entity) => entity[datastore.KEY]));
  }
}
