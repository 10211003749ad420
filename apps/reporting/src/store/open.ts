import { StartError } from '@slipway/platform/service/start-error';
import type { ReportStore } from '../figures.ts';
import { openSqliteReports } from './sqlite.ts';

/**
 * Opens the store that a URL names.
 *
 * @throws {StartError} if there is none for the URL's scheme, or it cannot be used.
 */
export function openStore(url: string): ReportStore {
  if (url.startsWith('sqlite:')) return openSqliteReports(url);
  throw new StartError(`STORE_URL names no store that reporting knows: use sqlite:<path>.`);
}
