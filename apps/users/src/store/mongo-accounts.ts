import type { DomainEvent } from '@slipway/contract-kit/event';
import type { CommandOptions, MongoStore } from '@slipway/store-mongodb/database';
import { isDuplicate } from '@slipway/store-mongodb/errors';
import type { MongoMigration } from '@slipway/store-mongodb/migrations';
import { createOutboxIndexes, type MongoOutbox, type WithOutbox } from '@slipway/store-mongodb/outbox';
import type { Account, AccountStore } from '../accounts.ts';

/** An account and the events that it waits to tell. */
type Entry = { _id: string } & Omit<Account, 'id'> & WithOutbox;

export const accountsMigration: MongoMigration = {
  name: 'users-accounts-1',
  async up(db) {
    // Sparse: what is left of a removed account has no e-mail address.
    await db.createIndex('accounts', { email: 1 }, { unique: true, sparse: true });
    await db.createIndex('accounts', { createdAt: 1, _id: 1 });
    await createOutboxIndexes(db, 'accounts');
  },
};

/** What remains of a removed account are its id and its events, until those are delivered. */
const removal = {
  $set: { removed: true },
  $unset: { email: '', name: '', passwordHash: '', passwordVersion: '', createdAt: '', version: '' },
} as const;

/** Accounts in MongoDB; the events of each are in its document, so that one command writes both. */
export function mongoAccounts({ collection, command }: MongoStore, outbox: MongoOutbox): AccountStore {
  const accounts = collection<Entry>('accounts');
  const withoutEvents = { projection: { outbox: 0 } } as const;

  const find = async (filter: { _id: string } | { email: string }) => {
    const found = await command((options) => accounts.findOne(filter, { ...options, ...withoutEvents }));
    return found && !found.removed ? toAccount(found) : undefined;
  };
  /** @returns `undefined` if another account has the e-mail address. */
  const unlessTaken = async <T>(events: DomainEvent[], write: Write<T>): Promise<T | undefined> => {
    try {
      return await outbox.write(events, (placed) => command((options) => write(placed, options)));
    } catch (error) {
      if (isDuplicate(error)) return undefined;
      throw error;
    }
  };

  const inTurn = takeTurns();

  return {
    async createAccount({ id, ...account }, events) {
      const insert: Write<unknown> = (placed, options) =>
        accounts.insertOne({ _id: id, ...account, outbox: placed }, options);
      const inserted = await inTurn(account.email, () => unlessTaken(events, insert));
      return inserted ? 'created' : 'email_taken';
    },
    accountById: (id) => find({ _id: id }),
    accountByEmail: (email) => find({ email }),
    async replaceAccount({ id, createdAt: _, ...account }, seen) {
      const updated = await unlessTaken([], (_none, options) =>
        accounts.updateOne({ _id: id, version: seen }, { $set: account }, options),
      );
      if (!updated) return 'email_taken';
      return updated.matchedCount === 1 ? 'replaced' : 'version_mismatch';
    },
    async removeAccount(id, seen, events) {
      const { matchedCount } = await outbox.write(events, ($each) =>
        command((options) =>
          accounts.updateOne(
            { _id: id, version: seen },
            { ...removal, $push: { outbox: { $each } } },
            options,
          ),
        ),
      );
      return matchedCount === 1 ? 'removed' : 'version_mismatch';
    },
    async listAccounts(limit, { at, id } = { at: '', id: '' }) {
      // The first condition lets the index begin at the place, the second leaves out what is before it there.
      const beyond = { createdAt: { $gte: at }, $or: [{ createdAt: { $gt: at } }, { _id: { $gt: id } }] };
      const found = await command((options) =>
        accounts
          .find(beyond, { ...options, ...withoutEvents })
          .sort({ createdAt: 1, _id: 1 })
          .limit(limit)
          .toArray(),
      );
      return found.map(toAccount);
    },
  };
}

type Write<T> = (outbox: NonNullable<WithOutbox['outbox']>, options: CommandOptions) => Promise<T>;

/**
 * Runs work with the same key one after the other. The unique index alone is enough to be right; but FerretDB
 * takes 1 s for each of several sign-ups with one e-mail address at the same moment, and MongoDB none.
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

function toAccount({ _id, ...account }: Entry): Account {
  return { id: _id, ...account };
}
