import { setTimeout as wait } from 'node:timers/promises';
import { Problem, problem } from '@slipway/contract-kit/problem';
import { backoff } from '@slipway/platform/core/backoff';
import type { Connections } from '@slipway/platform/core/connections';
import { StartError } from '@slipway/platform/core/start-error';
import { synchronous } from '@slipway/platform/core/synchronous';
import {
  type Abortable,
  type Collection,
  type CommandOperationOptions,
  type Db,
  type Document,
  MongoClient,
} from 'mongodb';
import { countConnections } from './connection-counts.ts';
import { isConflict, isVerdict } from './errors.ts';
import { type MongoMigration, migrate } from './migrations.ts';
import { watchMonitor } from './monitor.ts';

/** The options that every command of the driver needs: the signal ends it in time. */
export type CommandOptions = Abortable & Pick<CommandOperationOptions, 'comment'>;

/** A document. All ids are strings of our own. */
export type Stored = Document & { _id: string };

/** A database on a server that speaks MongoDB's protocol. */
export type MongoStore = {
  db: Db;
  collection: <Schema extends Stored>(name: string) => Collection<Schema>;
  /**
   * Runs one command, or a few short ones, within a deadline; repeats them after a write conflict.
   *
   * @param within the deadline in milliseconds; 2,000 by default, more only for work that no client waits for
   * @throws {Problem} unavailable if the server is unreachable, too slow or cannot write now. Whether the command had
   *   its effect is then unknown. Other errors of the server, such as a duplicate key, are thrown unchanged.
   * @example
   * const found = await mongo.command((options) => accounts.findOne({ _id: id }, options));
   */
  command<T>(work: (options: CommandOptions) => Promise<T>, within?: number): Promise<T>;
  ping(): Promise<void>;
  connections(): Connections;
  close(): Promise<void>;
};

/** Deadline of a command, including server selection and the wait for a connection; milliseconds. */
const commandTimeout = 2_000;
/** Timeout of server selection; shorter than a command's, so that the error says why there is no server. */
const selectionTimeout = 1_500;
/** Interval of the driver's checks of the server; milliseconds. */
const heartbeat = 2_000;
/** Maximum number of concurrent commands. More would only wait for the others, and each would hold memory. */
const maxRunning = 500;

/**
 * A write waits for a majority of a replica set, and for the journal: without it, a single server that is killed loses
 * the last 100 ms of writes.
 * Source: https://www.mongodb.com/docs/manual/reference/write-concern/
 */
const durable = { writeConcern: { w: 'majority', journal: true }, readConcernLevel: 'majority' } as const;

/**
 * Opens a database on any server that speaks MongoDB's protocol, including a standalone one: nothing here needs
 * transactions over several documents.
 *
 * @param url `mongodb://…/<database>` or `mongodb+srv://…/<database>`
 * @param options `connectWithin`: how long to wait for the server, which may still be starting; milliseconds
 * @throws {StartError} if the URL names no database, the server cannot be reached, or a migration fails
 * @example
 * const mongo = await openMongo('mongodb://127.0.0.1/users', [
 *   { name: 'users-1', up: async (db) => void (await db.createIndex('accounts', { email: 1 }, { unique: true })) },
 * ]);
 */
export async function openMongo(
  url: string,
  migrations: MongoMigration[],
  { connectWithin = 10_000 } = {},
): Promise<MongoStore> {
  const client = clientFor(url);
  const db = client.db();
  // A check takes up to a heartbeat while nothing changes, plus a command's deadline for a response.
  const endWatch = watchMonitor(client, heartbeat + commandTimeout + 1_000);
  let running = 0;
  const store: MongoStore = {
    db,
    collection: (name) => db.collection(name),
    async command(work, within = commandTimeout) {
      if (running >= maxRunning) throw unavailable('Too many commands wait for the database');
      running += 1;
      try {
        return await untilNoConflict(work, AbortSignal.timeout(within));
      } catch (error) {
        throw isVerdict(error) ? error : unavailable('The database does not answer', error);
      } finally {
        running -= 1;
      }
    },
    async ping() {
      await store.command((options) => db.command({ ping: 1 }, options));
    },
    connections: synchronous(countConnections(client)),
    close() {
      endWatch();
      return client.close();
    },
  };
  try {
    await connect(store, connectWithin);
    await migrate(db, migrations);
    return store;
  } catch (error) {
    await store.close();
    throw error instanceof StartError ? error : new StartError(sentence(store, error as Error), error);
  }
}

function clientFor(url: string): MongoClient {
  // The message does not repeat the URL: it may contain a password.
  if (!/^mongodb(\+srv)?:\/\/[^/]+\/[^/?]+/.test(url)) {
    throw new StartError('STORE_URL must name a database: mongodb://<host>/<database>.');
  }
  try {
    return new MongoClient(url, {
      ...durable,
      ignoreUndefined: true, // as in JSON: a field without a value is not written
      serverSelectionTimeoutMS: selectionTimeout,
      connectTimeoutMS: commandTimeout,
      heartbeatFrequencyMS: heartbeat,
      maxPoolSize: 50,
    });
  } catch (error) {
    throw new StartError(`STORE_URL cannot be used: ${(error as Error).message}.`, error);
  }
}

/** Delays between the attempts of a start to reach the server; milliseconds. */
const connectDelays = { base: 100, max: 500 };
/** Delays before a write is sent again after a write conflict; milliseconds. */
const conflictDelays = { base: 20, max: 200 };

/** Repeats a write after a write conflict, with backoff, until the signal ends it. */
async function untilNoConflict<T>(
  work: (options: CommandOptions) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  for (let retry = 0; ; retry += 1) {
    try {
      return await work({ signal });
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
    await wait(backoff(retry, conflictDelays), undefined, { signal });
  }
}

async function connect(store: MongoStore, within: number): Promise<void> {
  const deadline = Date.now() + within;
  for (let retry = 0; ; retry += 1) {
    try {
      return await store.ping();
    } catch (error) {
      // Waiting does not help against other errors, such as wrong credentials.
      if (!(error instanceof Problem) || Date.now() >= deadline) throw error;
    }
    await wait(backoff(retry, connectDelays));
  }
}

function sentence({ db }: MongoStore, error: Error): string {
  const hosts = db.client.options.hosts.join(', ');
  const { message } = (error.cause ?? error) as Error;
  return `The database at ${hosts} cannot be used: ${message.replace(/\.$/, '')}.`;
}

function unavailable(detail: string, cause?: unknown) {
  return problem('unavailable', detail, { retryAfter: 1, cause });
}
