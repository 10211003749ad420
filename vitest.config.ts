import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    // Tests that start processes need seconds on a busy laptop; polling ends each as soon as it can.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    setupFiles: ['./vitest.setup.ts'],
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 2,
    // Of the tests of one file that may run side by side.
    maxConcurrency: 2,
    // Google's client library looks for a cloud around it, unless told that there is none.
    env: { METADATA_SERVER_DETECTION: 'none' },
  },
});
