import { StartError } from '@slipway/platform/core/start-error';
import type { UsersStore } from './users-store.ts';

/**
 * Opens the store that a URL names by its scheme. Each is loaded only when it is chosen: a driver costs
 * start-up time and memory.
 *
 * @param url `sqlite:<path>`, `sqlite::memory:` or `mongodb://<host>/<database>`
 * @throws {StartError} if there is none for the scheme, or it cannot be opened.
 */
export async function openStore(url: string): Promise<UsersStore> {
  if (url.startsWith('sqlite:')) return (await import('./sqlite.ts')).openSqliteStore(url);
  if (/^mongodb(\+srv)?:/.test(url)) return (await import('./mongo.ts')).openMongoStore(url);
  throw new StartError('STORE_URL must be sqlite:<path>, sqlite::memory: or mongodb://<host>/<database>.');
}
