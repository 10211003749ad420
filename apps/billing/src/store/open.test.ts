import { StartError } from '@slipway/platform/core/start-error';
import { expect, it } from 'vitest';
import { openStore } from './open.ts';

it.each(['redis://127.0.0.1/billing', 'billing.db', '', 'mongodb://127.0.0.1'])(
  'a store at "%s" is refused in one sentence',
  async (url) => {
    await expect(openStore(url)).rejects.toThrow(StartError);
    await expect(openStore(url)).rejects.toThrow(/^STORE_URL must /);
  },
);
