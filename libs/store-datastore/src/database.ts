import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { Datastore, type Transaction } from '@google-cloud/datastore';
import { Problem, problem } from '@slipway/contract-kit/problem';
import { backoff } from '@slipway/platform/core/backoff';
import { StartError } from '@slipway/platform/core/start-error';
import { type Bounds, within } from './calls.ts';
import { type DatastoreStore, type KeyOf, type Reads, readsOf, type Step, stepOf } from './entities.ts';
import { type DatastoreMigration, migrateDatastore } from './migrations.ts';

/** Deadline of a command or of a whole transaction; milliseconds. */
const timeout = 2_000;
/** Deadline of a readiness check; milliseconds. */
const pingTimeout = 1_000;
/** Maximum number of concurrent commands. More would only wait for the others, and each would hold memory. */
const maxRunning = 500;
/** How long a start waits for the server, which may be starting, too; milliseconds. */
const connectWithin = 10_000;
/** Delays between the attempts of a start to reach the server; milliseconds. */
const connectDelays = { base: 100, max: 500 };
/** Delays before a transaction that lost against another runs again; milliseconds. */
const conflictDelays = { base: 20, max: 500 };

/**
 * By default, the client reconnects only every two minutes after a long outage, and does not notice a server that has
 * stopped responding.
 * Source: https://grpc.github.io/grpc/core/group__grpc__arg__keys.html
 */
const connection = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 2_000,
};

/**
 * Opens a namespace of Google Datastore (Firestore in Datastore mode). Credentials are found as in Google's other
 * libraries; `DATASTORE_EMULATOR_HOST` selects an emulator instead.
 *
 * @param url `datastore://<project>` or `datastore://<project>/<namespace>`
 * @throws {StartError} if the URL has another form, the server cannot be reached, or a migration fails
 * @example
 * const store = await openDatastore('datastore://my-project/staging', []);
 * await store.transaction(async (step) => step.save('Note', 'a', { text: 'Hello' }));
 */
export async function openDatastore(url: string, migrations: DatastoreMigration[]): Promise<DatastoreStore> {
  const store = connect(namespaceIn(url));
  try {
    await reach(store);
    await migrateDatastore(store, migrations);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

type Namespace = { projectId: string; namespace?: string };

function namespaceIn(url: string): Namespace {
  const [, projectId, namespace] = /^datastore:\/\/([a-z0-9.:-]+)(?:\/([\w.-]{1,100}))?$/.exec(url) ?? [];
  if (!projectId)
    throw new StartError('STORE_URL must be datastore://<project> or datastore://<project>/<namespace>.');
  return { projectId, namespace };
}

/** An emulator is on the network of the service: only Google's servers are reached through the proxy of the environment. */
const direct = process.env.DATASTORE_EMULATOR_HOST ? { 'grpc.enable_http_proxy': 0 } : {};

function connect(id: Namespace): DatastoreStore {
  const datastore = new Datastore({ ...id, ...connection, ...direct });
  const keyOf: KeyOf = (kind, name) => datastore.key({ namespace: id.namespace, path: [kind, name] });
  const command = limited(maxRunning);
  const reading = <T>(ms: number, work: (reads: Reads) => Promise<T>) =>
    command(ms, (bounds) => work(readsOf(datastore, keyOf, datastore, bounds)));
  const attempt = <T>(work: (step: Step) => Promise<T>, bounds: Bounds) => {
    const transaction = datastore.transaction();
    return committed(transaction, bounds, () => work(stepOf(datastore, keyOf, transaction, bounds)));
  };

  return {
    get: (kind, names) => reading(timeout, (reads) => reads.get(kind, names)),
    find: (kind, range) => reading(timeout, (reads) => reads.find(kind, range)),
    transaction: (work) => command(timeout, (bounds) => repeated(bounds, () => attempt(work, bounds))),
    readOnlyTransaction: (work) =>
      command(timeout, async (bounds) => {
        const transaction = datastore.transaction({ readOnly: true });
        try {
          return await work(readsOf(datastore, keyOf, transaction, bounds));
        } finally {
          release(transaction, bounds); // there is nothing to commit
        }
      }),
    async ping() {
      await reading(pingTimeout, (reads) => reads.get('Ping', ['ping']));
    },
    async close() {
      // The driver has no `close`, and its open connection would keep the process alive.
      for (const client of datastore.clients_.values()) await client.close();
    },
  };
}

/** Creates the function that runs commands with a deadline. Rejects a command while `max` others run. */
function limited(max: number): typeof within {
  let running = 0;
  return async (ms, work) => {
    if (running >= max)
      throw problem('unavailable', 'Too many commands wait for the store', { retryAfter: 1 });
    running += 1;
    try {
      return await within(ms, work);
    } finally {
      running -= 1;
    }
  };
}

/** Runs `work` and commits. The transaction begins with its first read, which saves a call. */
async function committed<T>(transaction: Transaction, bounds: Bounds, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    await transaction.commit(bounds().gaxOptions);
    return result;
  } catch (error) {
    release(transaction, bounds);
    throw error;
  }
}

/** Releases a transaction's locks in the background. If that fails, the server does it later. */
function release(transaction: Transaction, bounds: Bounds): void {
  transaction.rollback(bounds().gaxOptions).catch(() => undefined);
}

/** The code of an error in a transaction that lost against another. */
const aborted = 10;

/** Repeats a transaction that lost against another, with backoff, until the deadline. */
async function repeated<T>(bounds: Bounds, run: () => Promise<T>): Promise<T> {
  for (let retry = 0; ; retry += 1) {
    try {
      return await run();
    } catch (error) {
      const delay = backoff(retry, conflictDelays);
      if ((error as { code?: unknown }).code !== aborted || delay >= bounds.left()) throw error;
      await wait(delay);
    }
  }
}

async function reach(store: DatastoreStore): Promise<void> {
  const end = Date.now() + connectWithin;
  for (let retry = 0; ; retry += 1) {
    try {
      return await store.ping();
    } catch (error) {
      const cause = ((error as Error).cause ?? error) as Error;
      const mayStart = error instanceof Problem && Date.now() < end;
      if (!mayStart) throw new StartError(`Datastore cannot be reached: ${cause.message}.`, error);
      await wait(backoff(retry, connectDelays));
    }
  }
}
