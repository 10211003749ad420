import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { used } from '@slipway/reporting/testing/events';
import type { ExportCost } from '@slipway/reporting/testing/measured-export';
import { runJson } from './run-json.ts';

const program = new URL('../../../apps/reporting/src/testing/measured-export.ts', import.meta.url);
/** Happened in the month with the most events. */
const late = used({ id: 'late', at: '2025-12-31T23:59:59Z' });

/** Measures an export of all events, and the next one, which has one late event. */
export async function measureExport(store: string, folder: string, memory: string) {
  rmSync(folder, { recursive: true, force: true });
  change(store, `DELETE FROM inbox WHERE id = 'late'`);
  const all = await runJson<ExportCost>(program, [`sqlite:${store}`, folder, memory]);
  change(store, 'INSERT INTO inbox (id, event) VALUES (?, ?)', late.id, JSON.stringify(late));
  return { all, late: await runJson<ExportCost>(program, [`sqlite:${store}`, folder, memory]) };
}

function change(store: string, sql: string, ...values: string[]): void {
  const db = new DatabaseSync(store);
  db.prepare(sql).run(...values);
  db.close();
}
