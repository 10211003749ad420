import { sqliteInbox } from '@slipway/store-sqlite/inbox';
import { openReadOnly } from '@slipway/store-sqlite/read-only';
import type { EventPages } from '../analytics/event-pages.ts';
import { openStore } from './open.ts';
import { pagesOf } from './sqlite-events.ts';

/** Stored events, to be read beside the service. */
export type StoredEvents = EventPages & { close(): Promise<void> };

/**
 * Opens the stored events of a reporting service that may run at the same time. A SQLite file is opened for reading: to
 * open it as the service does would end a rebuild of the service.
 *
 * @param url `sqlite:<path>` or `datastore://<project>[/<namespace>]`
 * @throws {StartError} if there is no such store.
 */
export async function openEvents(url: string): Promise<StoredEvents> {
  if (!url.startsWith('sqlite:')) return openStore(url);
  const db = openReadOnly(url);
  const pages = pagesOf(sqliteInbox(db, () => undefined));
  return { ...pages, close: async () => db.close() };
}
