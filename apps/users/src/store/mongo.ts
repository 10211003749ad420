import { type MongoStore, openMongo } from '@slipway/store-mongodb/database';
import { isDuplicate } from '@slipway/store-mongodb/errors';
import type { MongoMigration } from '@slipway/store-mongodb/migrations';
import { mongoOutbox } from '@slipway/store-mongodb/outbox';
import type { AdministratorStore } from '../administrators.ts';
import type { AttemptStore, Attempts } from '../login-limit.ts';
import type { Session, SessionStore } from '../sessions.ts';
import type { KeyRingStore } from '../signing-keys.ts';
import { accountsMigration, mongoAccounts } from './mongo-accounts.ts';
import type { UsersStore } from './users-store.ts';

/** The server itself forgets what has expired, within a minute or so: that needs a `Date`. */
type Expiring<T> = Omit<T, 'expiresAt'> & { _id: string; expiresAt: Date };

const migrations: MongoMigration[] = [
  accountsMigration,
  {
    name: 'users-expiry-1',
    async up(db) {
      await db.createIndex('sessions', { expiresAt: 1 }, { expireAfterSeconds: 0 });
      await db.createIndex('attempts', { expiresAt: 1 }, { expireAfterSeconds: 0 });
    },
  },
];

/**
 * The store in MongoDB.
 *
 * @param url `mongodb://<host>/<database>`
 * @throws {StartError} if the database cannot be used.
 */
export async function openMongoStore(url: string): Promise<UsersStore> {
  const mongo = await openMongo(url, migrations);
  const outbox = mongoOutbox(mongo, ['accounts']);
  return {
    outbox,
    ...mongoAccounts(mongo, outbox),
    ...mongoSessions(mongo),
    ...mongoAttempts(mongo),
    ...mongoSingles(mongo),
    server: 'mongodb',
    ping: mongo.ping,
    connections: mongo.connections,
    close: mongo.close,
  };
}

function mongoSessions({ collection, command }: MongoStore): SessionStore {
  const sessions = collection<Expiring<Omit<Session, 'id'>>>('sessions');
  return {
    async createSession({ id, expiresAt, ...session }) {
      const entry = { _id: id, ...session, expiresAt: new Date(expiresAt) };
      await command((options) => sessions.insertOne(entry, options));
    },
    async sessionById(id) {
      const found = await command((options) => sessions.findOne({ _id: id }, options));
      if (!found) return undefined;
      const { _id, expiresAt, ...session } = found;
      return { id: _id, ...session, expiresAt: expiresAt.getTime() };
    },
    async replaceSession({ id, tokenHash, refreshedAt, expiresAt }, seen) {
      const change = { $set: { tokenHash, refreshedAt, expiresAt: new Date(expiresAt) } };
      const { matchedCount } = await command((options) =>
        sessions.updateOne({ _id: id, tokenHash: seen }, change, options),
      );
      return matchedCount === 1;
    },
    async keepSession({ id, accountId, passwordVersion }) {
      const change = { $max: { passwordVersion } };
      await command((options) => sessions.updateOne({ _id: id, accountId }, change, options));
    },
    async removeSession(id) {
      await command((options) => sessions.deleteOne({ _id: id }, options));
    },
  };
}

function mongoAttempts({ collection, command }: MongoStore): AttemptStore {
  const kept = collection<Expiring<Omit<Attempts, 'key'>>>('attempts');
  return {
    async attempts(key) {
      const found = await command((options) => kept.findOne({ _id: key }, options));
      if (!found) return undefined;
      const { _id, expiresAt, ...attempts } = found;
      return { key: _id, ...attempts, expiresAt: expiresAt.getTime() };
    },
    async replaceAttempts({ key, expiresAt, ...attempts }, seen) {
      const found = { _id: key, failures: seen };
      const entry = { ...attempts, expiresAt: new Date(expiresAt) };
      if (attempts.failures === 0) {
        const { deletedCount } = await command((options) => kept.deleteOne(found, options));
        return deletedCount === 1;
      }
      if (seen === 0) {
        return unlessThere(() => command((options) => kept.insertOne({ _id: key, ...entry }, options)));
      }
      const { matchedCount } = await command((options) => kept.updateOne(found, { $set: entry }, options));
      return matchedCount === 1;
    },
  };
}

/** Aggregates of which there is one. */
function mongoSingles({ collection, command }: MongoStore): AdministratorStore & KeyRingStore {
  type Single = { version: number };
  const singles = collection<{ _id: string; version: number; content: object }>('singles');
  const read = async <T extends Single>(name: string, none: T): Promise<T> => {
    const found = await command((options) => singles.findOne({ _id: name }, options));
    return found ? (found.content as T) : none;
  };
  // If the version is another one, nothing is found, and the unique _id does not let a second one in.
  const write = (name: string, content: Single): Promise<boolean> =>
    unlessThere(() =>
      command((options) =>
        singles.updateOne(
          { _id: name, version: content.version - 1 },
          { $set: { version: content.version, content } },
          { ...options, upsert: true },
        ),
      ),
    );
  return {
    administrators: () => read('administrators', { ids: [], version: 0 }),
    replaceAdministrators: (list) => write('administrators', list),
    keyRing: () => read('key ring', { keys: [], version: 0 }),
    replaceKeyRing: (ring) => write('key ring', ring),
  };
}

/** Whether a write that makes a document was the first to do so. */
async function unlessThere(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (isDuplicate(error)) return false;
    throw error;
  }
}
