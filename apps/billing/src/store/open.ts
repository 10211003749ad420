import { storeByScheme } from '@slipway/platform/service/open-store';
import type { BillingStore } from './store.ts';

export const openStore = storeByScheme<BillingStore>({
  sqlite: {
    form: 'sqlite:<path>, sqlite::memory:',
    open: async (url) => (await import('./sqlite.ts')).openSqliteStore(url),
  },
  mongodb: {
    form: 'mongodb://<host>/<database>',
    open: async (url) => (await import('./mongodb.ts')).openMongoStore(url),
  },
});
