import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { StartError } from '@slipway/platform/core/start-error';
import { pathIn } from './database.ts';

/**
 * Opens an embedded database for reading, while a service may use it.
 *
 * @param url `sqlite:<path>` of a database that a service has created
 * @throws {StartError} if there is no such file.
 */
export function openReadOnly(url: string): DatabaseSync {
  const path = pathIn(url);
  if (!existsSync(path)) throw new StartError(`There is no database ${path}; start the services first.`);
  return new DatabaseSync(path, { readOnly: true, timeout: 2_000 });
}
