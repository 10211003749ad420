import type { MongoStore } from '@slipway/store-mongodb/database';
import type { ClosedAccountStore } from '../account-closing.ts';

export function mongoClosedAccounts({ collection, command }: MongoStore): ClosedAccountStore {
  const accounts = collection<{ _id: string; closedAt: string }>('closedAccounts');
  return {
    async close(userId, at) {
      await command((options) =>
        accounts.updateOne({ _id: userId }, { $max: { closedAt: at } }, { ...options, upsert: true }),
      );
    },
    async closedAt(userId) {
      const found = await command((options) => accounts.findOne({ _id: userId }, options));
      return found?.closedAt;
    },
  };
}
