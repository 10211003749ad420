import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, mergeConfig, type Plugin } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { endThread, reusedThread } from './scripts/mutation/reused-thread.ts';
import base from './vitest.config.ts';

const needsServer = ({ moduleId }: TestSpecification) =>
  /testing\/(service|http-server|faulty-server)|\.listen\(/.test(readFileSync(moduleId, 'utf8'));

/** Runs the tests of plain functions first: the first failing test kills a mutant, and the others do not run. */
class PlainFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => Number(needsServer(a)) - Number(needsServer(b)));
  }
}

/** Stryker sets the pool of Vitest, so a plugin replaces it afterwards. */
const reuseThread: Plugin = {
  name: 'reuse-thread',
  configureVitest({ vitest, project: { config } }) {
    vitest.onClose(endThread);
    config.poolRunner = reusedThread;
    config.pool = reusedThread.name;
  },
};

export default mergeConfig(
  base,
  defineConfig({
    plugins: [reuseThread],
    resolve: {
      // Finds the mutants of a package: `node_modules` in Stryker's copy of the repository links to the originals.
      alias: [
        { find: /^@slipway\/([\w-]+)\/(.+)$/, replacement: join(import.meta.dirname, 'libs/$1/src/$2.ts') },
      ],
    },
    // The test files of a run share their modules, because loading them takes longer than most tests.
    // A mutant that makes a test wait forever is known to be killed after a few seconds.
    test: { isolate: false, testTimeout: 15_000, sequence: { sequencer: PlainFirst } },
  }),
);
