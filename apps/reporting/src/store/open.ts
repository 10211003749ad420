import { StartError } from '@slipway/platform/core/start-error';
import type { ReportStore } from '../figures.ts';

/**
 * Opens the store that a URL names. Its driver is loaded only then.
 *
 * @throws {StartError} if there is none for the URL's scheme, or it cannot be used.
 */
export async function openStore(url: string): Promise<ReportStore> {
  if (url.startsWith('sqlite:')) return (await import('./sqlite.ts')).openSqliteReports(url);
  if (url.startsWith('datastore:')) return (await import('./datastore.ts')).openDatastoreReports(url);
  throw new StartError(
    'STORE_URL names no store that reporting knows: use sqlite:<path> or datastore://<project>.',
  );
}
