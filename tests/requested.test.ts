/** Tests that need servers, images or a cluster run only on request: those that nobody requests could never fail. */
import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';

const root = `${import.meta.dirname}/..`;
const ci = readFileSync(`${root}/.ci/run`, 'utf8');
const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as {
  scripts: Record<string, string>;
};

const files = globSync('{apps,libs,tests}/**/*.ts', {
  cwd: root,
  exclude: (path) => path.includes('node_modules'),
}).filter((path) => !path.endsWith('requested.test.ts'));
const textOf = (path: string) => readFileSync(`${root}/${path}`, 'utf8');

const requests = /\bREQUIRE_(?!STORES)/;

/** Whether a file of tests skips some, and it or a module beside it reads a variable that requests them. */
function isRequested(path: string): boolean {
  const text = textOf(path);
  const beside = [...text.matchAll(/ from '\.\/([\w-]+\.ts)'/g)].map(
    ([, name]) => `${dirname(path)}/${name}`,
  );
  return text.includes('skipIf(') && [text, ...beside.map(textOf)].some((each) => requests.test(each));
}

it('every variable that requests tests is set by .ci/run', () => {
  const names = new Set(
    files.flatMap((path) => textOf(path).match(/\b(REQUIRE|TEST)_[A-Z_]+[A-Z]\b/g) ?? []),
  );
  expect(names.size).toBeGreaterThan(5);
  const settings = ci.split('\n').filter((line) => /\b(export|read -r)\b/.test(line));
  expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(settings.join()))).toEqual([]);
});

it('every file with tests that a variable requests is run by .ci/run', () => {
  const tests = files.filter(
    (path) => path.startsWith('tests/') && path.endsWith('.test.ts') && isRequested(path),
  );
  expect(tests.length).toBeGreaterThan(25);
  const tiers = [...ci.matchAll(/^ *(?:beside )?tier (.+)$/gm)].map(([, words = '']) => words.split(' '));
  const isRun = (path: string) =>
    tiers.some(
      ([folder, ...names]) =>
        path.startsWith(`tests/${folder}/`) &&
        (names.length === 0 || names.some((name) => path.includes(name))),
    );
  expect(tests.filter((path) => !isRun(path))).toEqual([]);
});

it('.ci/run tests, checks and fuzzes, and `npm run check` runs every check', () => {
  for (const command of ['npm cit', 'npm run check', 'npm run fuzz', 'npm run test:servers']) {
    expect(ci).toMatch(new RegExp(`^ *step ${command}$`, 'm'));
  }
  expect(scripts.check).toBe('nx run-many -t types lint imports unused');
});
