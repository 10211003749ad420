import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, mergeConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import base from './vitest.config.ts';

const needsService = ({ moduleId }: TestSpecification) =>
  readFileSync(moduleId, 'utf8').includes('testing/service');

/** Runs the tests of plain functions first: the first failing test kills a mutant, and the others do not run. */
class PlainFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => Number(needsService(a)) - Number(needsService(b)));
  }
}

export default mergeConfig(
  base,
  defineConfig({
    resolve: {
      // Finds the mutants of a package: `node_modules` in Stryker's copy of the repository links to the originals.
      alias: [
        { find: /^@slipway\/([\w-]+)\/(.+)$/, replacement: join(import.meta.dirname, 'libs/$1/src/$2.ts') },
      ],
    },
    // The test files of a run share their modules, because loading them takes longer than most tests.
    test: { isolate: false, sequence: { sequencer: PlainFirst } },
  }),
);
