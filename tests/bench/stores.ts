import { missingServers } from '../stores/coverage.ts';
import { realServers } from '../support/stores.ts';
import { table, writeReport } from './report.ts';
import { openDatastore } from './stores/datastore.ts';
import { openMongo } from './stores/mongo.ts';
import { head, measure } from './stores/rounds.ts';
import type { Opened } from './stores/services.ts';
import { openSqlite } from './stores/sqlite.ts';
import { measureSystems } from './stores/system.ts';

/**
 * The hot operations of each store against the driver alone, and the system on real stores against embedded
 * ones. A store whose server the environment does not name is left out, and the page says so.
 */
export async function stores(): Promise<void> {
  const missing = missingServers(process.env);
  const { mongodb, datastore } = realServers();
  const rows = [
    ...(await measureAll(openSqlite)),
    ...(mongodb ? await measureAll(() => openMongo(mongodb)) : []),
    ...(datastore ? await measureAll(openDatastore) : []),
  ];
  const systems = missing.length === 0 ? await measureSystems() : [];
  for (const each of missing) process.stdout.write(`  left out: ${each}\n`);
  writeReport('stores', [
    ...table(head, rows),
    '',
    ...(systems.length > 0
      ? table(['', 'on SQLite, a second', 'on MongoDB and Datastore', 'against SQLite'], systems)
      : [`Left out: ${missing.join(', ')}.`]),
  ]);
}

async function measureAll(open: () => Promise<Opened>): Promise<string[][]> {
  const { operations, close } = await open();
  const rows: string[][] = [];
  try {
    for (const operation of operations) {
      const row = await measure(operation);
      process.stdout.write(`  ${row.join(', ')}\n`);
      rows.push(row);
    }
    return rows;
  } finally {
    await close();
  }
}
