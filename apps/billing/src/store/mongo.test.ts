import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { describe, it } from 'vitest';
import { describeBillingStore } from './billing-store.contract.ts';
import { openMongoStore } from './mongo.ts';
import { dropMongo } from './stores.fixture.ts';

const server = process.env.TEST_MONGODB_URL;

if (server) {
  describeBillingStore('MongoDB', async () => {
    const url = `${server}/billing-${randomUUID()}`;
    return {
      store: await openMongoStore(url),
      openAgain: () => openMongoStore(url),
      drop: () => dropMongo(url),
    };
  });
} else {
  describe('the billing store: MongoDB', () => {
    it.skip('needs a server: TEST_MONGODB_URL', () => undefined);
  });
}
