/** Mutation testing of the rules: docs/decisions/0121-mutation-testing.md. `scripts/mutation.ts` adds the files of each group. */
export default {
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  // Stryker 10 cannot load TypeScript 7; it does not try if this file does not exist.
  tsconfigFile: 'none.json',
  // A mutant that only changes a constant would run every test, and a test that repeats the constant proves nothing.
  ignoreStatic: true,
  // Most tests of the platform wait for something: with 2, both cores were idle most of the time.
  concurrency: 4,
  // On a busy machine, 10 s ended tests that would pass, so that survivors counted as killed.
  timeoutMS: 60_000,
  reporters: ['clear-text', 'json', 'progress-append-only'],
  clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false, reportTests: false },
  thresholds: { high: 100, low: 85, break: 85 },
};
