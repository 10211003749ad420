import process from 'node:process';
import { describe, it } from 'vitest';
import { drop, newMongoUrl } from '../testing/stores.ts';
import { openMongoStore } from './mongodb.ts';
import { describeBillingStore } from './store.contract.ts';

const server = process.env.TEST_MONGODB_URL;

if (server) {
  describeBillingStore('MongoDB', async () => {
    const url = newMongoUrl(server);
    return {
      store: await openMongoStore(url),
      openAgain: () => openMongoStore(url),
      drop: () => drop(url),
    };
  });
} else {
  describe('the billing store: MongoDB', () => {
    it.skip('needs a server: TEST_MONGODB_URL', () => undefined);
  });
}
