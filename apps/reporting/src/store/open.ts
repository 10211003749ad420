import { storeByScheme } from '@slipway/platform/service/open-store';
import type { ReportingStore } from './store.ts';

export const openStore = storeByScheme<ReportingStore>({
  sqlite: {
    form: 'sqlite:<path>, sqlite::memory:',
    open: async (url) => (await import('./sqlite.ts')).openSqliteStore(url),
  },
  datastore: {
    form: 'datastore://<project>[/<namespace>]',
    open: async (url) => (await import('./datastore.ts')).openDatastoreStore(url),
  },
});
