import { setTimeout as wait } from 'node:timers/promises';
import { Datastore, type Key, type Transaction } from '@google-cloud/datastore';
import { problem } from '../http/errors.ts';
import { StartError } from '../service/start-error.ts';
import { type Bounds, within } from './datastore-calls.ts';
import { type DatastoreMigration, migrateDatastore } from './datastore-migrations.ts';

/** Milliseconds within which a step on the database succeeds or fails. */
const stepTimeout = 2_000;
/** Milliseconds that a readiness check may take. */
const pingTimeout = 1_000;
/** Steps at a time. More than these would only wait for those in front of them, each with its memory. */
const maxRunning = 500;
/** Milliseconds that a start waits for the server, which may be starting too. */
const connectWithin = 10_000;

/**
 * How the channel to the server behaves when that is away. Left alone it tries to reconnect up to two minutes
 * after the server is back, and does not notice a connection that has fallen silent.
 */
const channel = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 2_000,
};

/** A namespace of a Datastore. Every failure of the server comes as a `Problem` unavailable, in bounded time. */
export type DatastoreStore = {
  datastore: Datastore;
  key(kind: string, name: string): Key;
  /** Runs commands, each with the options that bound its time: the time is that of all together. */
  command<T>(work: (bounds: Bounds) => Promise<T>): Promise<T>;
  /**
   * Runs `work` in a transaction and commits it. If another transaction got in the way it is run again, so
   * it must not change anything but by the transaction.
   */
  transaction<T>(work: (transaction: Transaction, bounds: Bounds) => Promise<T>): Promise<T>;
  /** Runs `work` on one moment's state of the data. It waits for no other transaction and stops none. */
  snapshot<T>(work: (transaction: Transaction, bounds: Bounds) => Promise<T>): Promise<T>;
  ping(): Promise<void>;
  close(): Promise<void>;
};

/**
 * Opens a namespace of Google Datastore (Firestore in Datastore mode), and brings it to the newest schema.
 * Credentials are found as the driver finds them; `DATASTORE_EMULATOR_HOST` leads to an emulator.
 *
 * @param url `datastore://<project>` or `datastore://<project>/<namespace>`
 * @throws {StartError} if the URL has another form, the server is away, or a migration fails.
 */
export async function openDatastore(url: string, migrations: DatastoreMigration[]): Promise<DatastoreStore> {
  const store = connect(placeIn(url));
  try {
    await reach(store);
    await migrateDatastore(store, migrations);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

type Place = { projectId: string; namespace?: string };

function placeIn(url: string): Place {
  const [, projectId, namespace] = /^datastore:\/\/([a-z0-9.:-]+)(?:\/([\w.-]{1,100}))?$/.exec(url) ?? [];
  if (!projectId) throw new StartError('STORE_URL must be datastore://<project>[/<namespace>].');
  return { projectId, namespace };
}

function connect(place: Place): DatastoreStore {
  const datastore = new Datastore({ ...place, ...channel });
  const key = (kind: string, name: string) =>
    datastore.key({ namespace: place.namespace, path: [kind, name] });
  let running = 0;
  const step = async <T>(work: (bounds: Bounds) => Promise<T>): Promise<T> => {
    if (running >= maxRunning)
      throw problem('unavailable', 'Too many commands wait for the store', { retryAfter: 1 });
    running += 1;
    try {
      return await within(stepTimeout, work);
    } finally {
      running -= 1;
    }
  };

  return {
    datastore,
    key,
    command: step,
    transaction: (work) =>
      step((bounds) => repeated(bounds, () => attempt(datastore.transaction(), work, bounds))),
    snapshot: (work) => step((bounds) => attempt(datastore.transaction({ readOnly: true }), work, bounds)),
    async ping() {
      await within(pingTimeout, (bounds) => datastore.get(key('Ping', 'ping'), bounds()));
    },
    async close() {
      // The driver has no close of its own; without this its connection keeps the process alive.
      for (const client of datastore.clients_.values()) await client.close();
    },
  };
}

async function reach(store: DatastoreStore): Promise<void> {
  const end = Date.now() + connectWithin;
  for (;;) {
    try {
      return await store.ping();
    } catch (error) {
      const cause = ((error as Error).cause ?? error) as Error;
      if (Date.now() > end) throw new StartError(`Datastore cannot be reached: ${cause.message}.`, error);
      await wait(200);
    }
  }
}

async function attempt<T>(
  transaction: Transaction,
  work: (transaction: Transaction, bounds: Bounds) => Promise<T>,
  bounds: Bounds,
): Promise<T> {
  await transaction.run(bounds());
  try {
    const result = await work(transaction, bounds);
    await transaction.commit(bounds().gaxOptions);
    return result;
  } catch (error) {
    // Frees what the transaction has locked. If that fails as well, the server does it after a while.
    transaction.rollback(bounds().gaxOptions).catch(() => undefined);
    throw error;
  }
}

/** gRPC's code for a transaction that lost against another. */
const aborted = 10;

/** Repeats a transaction that lost, after a random pause that grows, for as long as there is time. */
async function repeated<T>(bounds: Bounds, run: () => Promise<T>): Promise<T> {
  for (let losses = 1; ; losses += 1) {
    try {
      return await run();
    } catch (error) {
      const pause = Math.random() * Math.min(500, 10 * 2 ** losses);
      if ((error as { code?: unknown }).code !== aborted || pause >= bounds.left()) throw error;
      await wait(pause);
    }
  }
}
