/** The stores of the service under test: SQLite, and MongoDB and Datastore where the environment names a server. */
import type { Aggregate, AggregateStore } from '@slipway/platform/events/aggregates';
import type { JobStore } from '@slipway/platform/jobs/job-record';
import type { ServiceStore } from '@slipway/platform/service/service';

/** The journal of a job, with one text for each step. */
export type Journal = Aggregate & { steps: string[] };

export type WorkerStore = ServiceStore & { jobs: JobStore; journals: AggregateStore<Journal> };

const openers: Record<string, (url: string) => Promise<WorkerStore>> = {
  async sqlite(url) {
    const { openSqlite } = await import('@slipway/store-sqlite/database');
    const { sqliteAggregates } = await import('@slipway/store-sqlite/aggregates');
    const { jobsMigration, sqliteJobs } = await import('@slipway/store-sqlite/jobs');
    const { nonBlocking } = await import('@slipway/store-sqlite/lock-retries');
    const journals = {
      name: 'journals-1',
      sql: `CREATE TABLE journals (
        id TEXT PRIMARY KEY,
        doc TEXT NOT NULL,
        version INTEGER AS (doc ->> 'version')
      ) STRICT`,
    };
    const db = openSqlite(url, [jobsMigration, journals]);
    return nonBlocking(db, {
      jobs: sqliteJobs(db),
      journals: sqliteAggregates<Journal>({ db, table: 'journals' }),
      ping: async () => undefined,
      close: async () => db.close(),
    });
  },
  async mongodb(url) {
    const { mongoAggregates } = await import('@slipway/store-mongodb/aggregates');
    const { openMongo } = await import('@slipway/store-mongodb/database');
    const { mongoJobs } = await import('@slipway/store-mongodb/jobs');
    const store = await openMongo(url, []);
    const journals = mongoAggregates<Journal>({ store, collection: 'journals' });
    return { jobs: mongoJobs(store), journals, ping: store.ping, close: store.close };
  },
  async datastore(url) {
    const { datastoreAggregates } = await import('@slipway/store-datastore/aggregates');
    const { openDatastore } = await import('@slipway/store-datastore/database');
    const { datastoreJobs } = await import('@slipway/store-datastore/jobs');
    const store = await openDatastore(url, []);
    const journals = datastoreAggregates<Journal>({ store, kind: 'Journal' });
    return { jobs: datastoreJobs(store), journals, ping: store.ping, close: store.close };
  },
};

/** Opens the store of a URL: `sqlite:<path>`, `mongodb://<host>/<database>` or `datastore://<project>/<namespace>`. */
export function openWorkerStore(url: string): Promise<WorkerStore> {
  const open = openers[url.split(':', 1)[0] ?? ''];
  if (!open) throw new Error(`No store has the address ${url}`);
  return open(url);
}
