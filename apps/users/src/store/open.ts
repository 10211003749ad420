import { storeByScheme } from '@slipway/platform/service/open-store';
import type { UsersStore } from './store.ts';

export const openStore = storeByScheme<UsersStore>({
  sqlite: {
    form: 'sqlite:<path>, sqlite::memory:',
    open: async (url) => (await import('./sqlite.ts')).openSqliteStore(url),
  },
  mongodb: {
    form: 'mongodb://<host>/<database>',
    open: async (url) => (await import('./mongodb.ts')).openMongoStore(url),
  },
});
