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
import { countConnections } from './connections.ts';
import { isConflict, isVerdict } from './errors.ts';
import { type MongoMigration, migrate } from './migrations.ts';
import { watchMonitor } from './monitor.ts';

/** What each command of the driver must be given: the signal ends it in time. */
export type CommandOptions = Abortable & Pick<CommandOperationOptions, 'comment'>;

/** Ids are ours, and strings. */
export type Stored = Document & { _id: string };

/** A database on a server that speaks MongoDB's protocol. */
export type MongoStore = {
  db: Db;
  collection: <Schema extends Stored>(name: string) => Collection<Schema>;
  /**
   * Runs one command, or a few short ones, within a deadline.
   *
   * @param within milliseconds, for work that no caller waits for; 2,000 by default
   * @throws {Problem} unavailable if the server is away, too slow or not able to write now. Whether the
   *   command had its effect is then unknown. A verdict of the server, such as a duplicate key, comes as it is.
   * @example
   * const found = await mongo.command((options) => accounts.findOne({ _id: id }, options));
   */
  command<T>(work: (options: CommandOptions) => Promise<T>, within?: number): Promise<T>;
  ping(): Promise<void>;
  connections(): Connections;
  close(): Promise<void>;
};

/** Milliseconds that a command may take, with finding a server and waiting for a connection. */
const commandTimeout = 2_000;
/** Milliseconds to find a server; less, so that the error tells why there is none. */
const selectionTimeout = 1_500;
/** Milliseconds between looks at the server. */
const heartbeat = 2_000;
/** Commands at a time. More than these would only wait for those in front of them, each with its memory. */
const maxRunning = 500;

/**
 * Durable means a majority of a replica set, and the journal of a single server: without it, that server
 * forgets the last 100 ms when it is killed.
 * Source: https://www.mongodb.com/docs/manual/reference/write-concern/
 */
const durable = { writeConcern: { w: 'majority', journal: true }, readConcernLevel: 'majority' } as const;

/**
 * Opens a database on any server that speaks MongoDB's protocol, a standalone one too: nothing here needs
 * transactions of several documents.
 *
 * @param url `mongodb://…/<database>` or `mongodb+srv://…/<database>`
 * @param options `connectWithin`: milliseconds that a start waits for the server, which may be starting too
 * @throws {StartError} if the URL names no database, the server cannot be reached, or a migration fails.
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
  // A look waits for news as long as a heartbeat, and for the answer as long as a command.
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
  // The URL itself is not repeated: it may hold a password.
  if (!/^mongodb(\+srv)?:\/\/[^/]+\/[^/?]+/.test(url)) {
    throw new StartError('STORE_URL must name a database: mongodb://<host>/<database>.');
  }
  try {
    return new MongoClient(url, {
      ...durable,
      ignoreUndefined: true, // as in JSON: a field without a value is no field
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
/** Delays before a write that lost against another is sent again; milliseconds. */
const conflictDelays = { base: 20, max: 200 };

/** Repeats a write that lost against another, with backoff, until the signal ends it. */
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
      // A verdict, such as wrong credentials, does not change by waiting.
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
