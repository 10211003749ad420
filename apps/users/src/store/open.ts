import type { OutboxStore } from '@slipway/platform/outbox';
import type { ServiceStore } from '@slipway/platform/service';
import { StartError } from '@slipway/platform/start-error';
import type { AccountStore } from '../accounts.ts';
import type { AdministratorStore } from '../administrators.ts';
import type { AttemptStore } from '../login-limit.ts';
import type { SessionStore } from '../sessions.ts';
import type { KeyRingStore } from '../signing-keys.ts';
import { openSqliteStore } from './sqlite.ts';

/** Everything that the users service keeps. */
export type UsersStore = ServiceStore &
  AccountStore &
  AdministratorStore &
  SessionStore &
  AttemptStore &
  KeyRingStore & { outbox: OutboxStore };

/**
 * Opens the store that a URL names by its scheme.
 *
 * @throws {StartError} if there is none for the scheme, or it cannot be opened.
 */
export async function openStore(url: string): Promise<UsersStore> {
  if (url.startsWith('sqlite:')) return openSqliteStore(url);
  throw new StartError('STORE_URL must be sqlite:<path> or sqlite::memory:.');
}
