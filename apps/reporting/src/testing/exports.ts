import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../store/open.ts';
import type { ReportingStore } from '../store/store.ts';
import { paid, used } from './events.ts';

/** Opens an empty store, and names a folder for its exports, which does not exist yet. */
export async function openExports() {
  const root = await mkdtemp(join(tmpdir(), 'export-'));
  return { root, folder: join(root, "an analyst's export"), store: await openStore('sqlite::memory:') };
}

export async function closeExports({ root, store }: { root: string; store: ReportingStore }): Promise<void> {
  await store.close();
  await rm(root, { recursive: true });
}

export const march = Array.from({ length: 30 }, (_, n) =>
  used({ quantity: n, at: `2026-03-${10 + (n % 20)}T08:00:00Z` }),
);
export const april = Array.from({ length: 30 }, (_, n) =>
  paid({ amount: n, at: `2026-04-${10 + (n % 20)}T08:00:00Z` }),
);
