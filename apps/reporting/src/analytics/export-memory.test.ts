import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { storeHistory } from '../testing/history.ts';
import type { ExportCost } from '../testing/measured-export.ts';

const program = join(import.meta.dirname, '../testing/measured-export.ts');
const memory = '128MB';

/** Exports a generated history in a process of its own, whose heap of JavaScript is limited. */
async function costOf(root: string, events: number): Promise<ExportCost> {
  const path = join(root, `${events}.db`);
  storeHistory(path, events);
  const args = ['--max-old-space-size=64', program, `sqlite:${path}`, join(root, String(events)), memory];
  return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout);
}

it('the memory of an export does not grow with the number of events', async () => {
  const root = await mkdtemp(join(tmpdir(), 'export-memory-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const small = await costOf(root, 200_000);
  const large = await costOf(root, 800_000);
  expect([small.events, large.events]).toEqual([200_000, 800_000]);
  // Node and the library of DuckDB take 120 MB, and DuckDB its limit.
  expect(large.peakMegabytes).toBeLessThan(120 + 128 + 90);
  // 150 bytes for each event more would be 90 MB.
  expect(large.peakMegabytes - small.peakMegabytes).toBeLessThan(90);
}, 300_000);
