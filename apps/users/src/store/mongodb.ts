import type { Aggregate } from '@slipway/platform/events/aggregates';
import { flat, type Layout, mongoAggregates, readPage } from '@slipway/store-mongodb/aggregates';
import { type MongoStore, openMongo, type Stored } from '@slipway/store-mongodb/database';
import { mongoExpiring } from '@slipway/store-mongodb/expiry';
import { mongoJobs } from '@slipway/store-mongodb/jobs';
import type { MongoMigration } from '@slipway/store-mongodb/migrations';
import { createOutboxIndexes, type MongoOutbox, mongoOutbox } from '@slipway/store-mongodb/outbox';
import { type Account, type AccountStore, emailTaken } from '../accounts.ts';
import type { AdministratorList } from '../administrators.ts';
import type { Attempts } from '../login-limit.ts';
import type { Session } from '../sessions.ts';
import type { KeyRing } from '../signing-keys.ts';
import type { UsersStore } from './store.ts';

const migrations: MongoMigration[] = [
  {
    name: 'users-accounts-1',
    async up(db) {
      // Sparse, because what is left of a removed account has no e-mail address.
      await db.createIndex('accounts', { email: 1 }, { unique: true, sparse: true });
      await db.createIndex('accounts', { createdAt: 1, _id: 1 });
      await createOutboxIndexes(db, 'accounts');
    },
  },
  {
    name: 'users-expiry-1',
    async up(db) {
      await db.createIndex('sessions', { expiresAt: 1 }, { expireAfterSeconds: 0 });
      await db.createIndex('attempts', { expiresAt: 1 }, { expireAfterSeconds: 0 });
    },
  },
];

/**
 * Opens the store of the users service on a MongoDB server.
 *
 * @param url `mongodb://<host>/<database>`
 * @throws {StartError} if the database cannot be used
 */
export async function openMongoStore(url: string): Promise<UsersStore> {
  const store = await openMongo(url, migrations);
  const outbox = mongoOutbox(store, ['accounts']);
  return {
    outbox,
    accounts: mongoAccounts(store, outbox),
    sessions: mongoExpiring<Session>(store, 'sessions'),
    attempts: mongoExpiring<Attempts>(store, 'attempts'),
    administrators: mongoAggregates<AdministratorList>({ store, collection: 'singles', layout: single() }),
    keyRing: mongoAggregates<KeyRing>({ store, collection: 'singles', layout: single() }),
    jobs: mongoJobs(store),
    server: 'mongodb',
    ping: store.ping,
    connections: store.connections,
    close: store.close,
  };
}

/** The state is in the field `content`, and the version also beside it. */
function single<T extends Aggregate>(): Layout<T> {
  return {
    version: 'version',
    projection: { content: 1 },
    fieldsOf: ({ id: _, ...content }) => ({ version: content.version, content }),
    stateOf: ({ _id: id, content }) => ({ id, ...content }) as T,
  };
}

function mongoAccounts(store: MongoStore, outbox: MongoOutbox): AccountStore {
  const collection = 'accounts';
  const layout = flat<Account>();
  const accounts = store.collection<Stored>(collection);
  const aggregates = mongoAggregates<Account>({ store, collection, layout, outbox, taken: emailTaken });
  const inTurn = takeTurns();
  return {
    ...aggregates,
    async add(change) {
      return inTurn(change.next.email, () => aggregates.add(change));
    },
    async byEmail(email) {
      const { projection } = layout;
      const found = await store.command((options) => accounts.findOne({ email }, { ...options, projection }));
      return found ? layout.stateOf(found) : undefined;
    },
    async list(limit, after) {
      return readPage(store, { collection, layout, by: 'createdAt', order: 'ascending', limit, after });
    },
  };
}

/**
 * Runs work with the same key one after another. The unique index alone would be enough, but FerretDB (not MongoDB)
 * takes 1 s for each of several simultaneous sign-ups with the same e-mail address.
 */
function takeTurns() {
  const last = new Map<string, Promise<unknown>>();
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const turn = (last.get(key) ?? Promise.resolve()).then(work, work);
    last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (last.get(key) === turn) last.delete(key);
    }
  };
}
