import { StartError } from '@slipway/platform/service/start-error';
import { openSqliteStore } from './sqlite.ts';
import type { UsersStore } from './users-store.ts';

/**
 * Opens the store that a URL names by its scheme.
 *
 * @throws {StartError} if there is none for the scheme, or it cannot be opened.
 */
export async function openStore(url: string): Promise<UsersStore> {
  if (url.startsWith('sqlite:')) return openSqliteStore(url);
  throw new StartError('STORE_URL must be sqlite:<path> or sqlite::memory:.');
}
