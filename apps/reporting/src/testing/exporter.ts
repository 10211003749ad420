/** Stores events and exports them, over and over, until it is killed: node exporter.ts <store URL> <folder> */
import process from 'node:process';
import { exportEvents } from '../analytics/export.ts';
import { openStore } from '../store/open.ts';
import { used } from './events.ts';

const [, , url = '', folder = ''] = process.argv;
const store = await openStore(url);
for (let n = 0; ; n++) {
  for (const month of ['01', '02', '03']) {
    await store.apply(used({ id: `${process.pid}-${n}-${month}`, at: `2026-${month}-01T00:00:00Z` }));
  }
  await exportEvents({ store, folder, chunkSize: 2 });
  process.stdout.write('exported\n');
}
