/**
 * Mutation tests of the rules: changes the code in many small ways, and counts the changes that no test notices.
 *
 *   npm run mutation                            all groups, an hour or more
 *   npm run mutation -- billing                 one of them
 *   npm run mutation -- billing --incremental   only what has changed since the last such run
 */
import { globSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { serviceNames } from './system.ts';

type Group = { mutate: string[]; tests: string[] };

/** The rules of a service. A model-based test, which takes longer than all others, is left out. */
const service = (name: string): Group => ({
  mutate: [`apps/${name}/src/*.ts`, `!apps/${name}/src/{main,app,config}.ts`, '!**/*.test.ts'],
  tests: globSync(`apps/${name}/src/{*,routes/*}.test.ts`, { exclude: ['**/*-model.test.ts'] }),
});

const platform = (folder: string, tests = `libs/platform/src/${folder}/*.test.ts`): Group => ({
  mutate: [`libs/platform/src/${folder}/*.ts`, '!**/*.{test,contract}.ts'],
  tests: globSync(tests),
});

/** The gateway has no rules of its own. */
const withRules = serviceNames.filter((name) => name !== 'gateway');

const groups: Record<string, Group> = {
  ...Object.fromEntries(withRules.map((name) => [name, service(name)])),
  // Admission over a network, the slowest test, is left out: admission-queue.test.ts checks the same rules without one.
  overload: platform('overload', 'libs/platform/src/overload/!(admission).test.ts'),
  calls: platform('calls'),
  // The relay and the inbox are tested with a store. Tests that start processes are left out.
  events: platform(
    'events',
    'libs/{platform/src/events/*,store-sqlite/src/{relay,inbox,delivery-trace}}.test.ts',
  ),
};

const { positionals: asked, values } = parseArgs({
  allowPositionals: true,
  options: { incremental: { type: 'boolean', default: false } },
});
const unknown = asked.filter((name) => !(name in groups));
if (unknown.length > 0) {
  process.stderr.write(
    `There is no group ${unknown.join(', ')}; there are ${Object.keys(groups).join(', ')}.\n`,
  );
  process.exit(1);
}

const rows: string[] = [];
for (const [name, { mutate, tests }] of Object.entries(groups)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const startedAt = performance.now();
  const mutants = await new Stryker({
    mutate,
    testFiles: tests,
    jsonReporter: { fileName: `reports/mutation/${name}.json` },
    incremental: values.incremental,
    incrementalFile: `reports/mutation/${name}-incremental.json`,
  }).runMutationTest();
  const count = (...statuses: string[]) => mutants.filter(({ status }) => statuses.includes(status)).length;
  const killed = count('Killed', 'Timeout');
  const survived = count('Survived', 'NoCoverage');
  const score = ((100 * killed) / (killed + survived)).toFixed(1);
  const minutes = Math.round((performance.now() - startedAt) / 60_000);
  rows.push(`| ${name} | ${killed + survived} | ${killed} | ${survived} | ${score} % | ${minutes} |\n`);
}
process.stdout.write(`\n| group | mutants | killed | survived | score | minutes |\n${rows.join('')}`);
