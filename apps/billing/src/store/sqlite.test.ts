import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartError } from '@slipway/platform/service/start-error';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeBillingStore } from './billing-store.contract.ts';
import { openStore } from './open.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'billing-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
const newUrl = () => `sqlite:${join(folder, `${++files}.db`)}`;

describeBillingStore('SQLite in memory', async () => ({ store: openStore('sqlite::memory:') }));

describeBillingStore('SQLite in a file', async () => {
  const url = newUrl();
  return { store: openStore(url), openAgain: () => openStore(url) };
});

describe('opening a store', () => {
  it('refuses a scheme that it does not know', () => {
    expect(() => openStore('mongodb://127.0.0.1/billing')).toThrow(StartError);
  });
});
