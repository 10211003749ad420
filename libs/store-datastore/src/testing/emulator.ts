import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { Datastore } from '@google-cloud/datastore';

/** The address of the emulator; without it the tests are skipped. */
export const emulator = process.env.DATASTORE_EMULATOR_HOST;
if (emulator) process.env.METADATA_SERVER_DETECTION = 'none'; // there is no cloud to ask for credentials

const projectId = 'slipway-test';

/** Creates the address of a namespace that nothing else uses. */
export function newNamespace(): { url: string; drop(): Promise<void> } {
  const namespace = randomUUID();
  return {
    url: `datastore://${projectId}/${namespace}`,
    async drop() {
      const datastore = new Datastore({ projectId, namespace });
      const everything = datastore.createQuery().select('__key__').limit(500);
      for (;;) {
        const [found] = await datastore.runQuery(everything);
        if (found.length === 0) break;
        await datastore.delete(found.map((entity) => entity[datastore.KEY]));
      }
      for (const client of datastore.clients_.values()) await client.close();
    },
  };
}
