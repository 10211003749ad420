import { describe, expect, it } from 'vitest';
import { serverTests } from './server-tests.ts';

describe('the tests that run again with real servers', () => {
  const files = serverTests();

  it.each([
    ['names a server itself', 'libs/store-mongodb/src/outbox.test.ts'],
    ['gets its stores from a helper', 'apps/billing/src/settlement.test.ts'],
    ['is a suite for each kind of stores', 'tests/journeys/money.test.ts'],
    ['starts processes on a server', 'tests/jobs/processes.test.ts'],
  ])('include one that %s', (_what, file) => {
    expect(files).toContain(file);
  });

  it.each([
    ['has no store', 'libs/platform/src/jobs/schedule.test.ts'],
    ['only uses the embedded store', 'libs/store-sqlite/src/delivery.test.ts'],
    ['starts the system on embedded stores', 'tests/docs/pages.test.ts'],
  ])('do not include one that %s', (_what, file) => {
    expect(files).not.toContain(file);
  });
});
