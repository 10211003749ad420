/** Tests that need servers, images or a cluster run only on request: those that nobody requests could never fail. */
import { globSync, readFileSync } from 'node:fs';
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

it('every variable that requests tests is set by .ci/run', () => {
  const names = new Set(
    files.flatMap((path) => textOf(path).match(/\b(REQUIRE|TEST)_[A-Z_]+[A-Z]\b/g) ?? []),
  );
  expect(names.size).toBeGreaterThan(5);
  const settings = ci.split('\n').filter((line) => /\b(export|read -r)\b/.test(line));
  expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(settings.join()))).toEqual([]);
});

it('every folder with tests that a variable requests is run by .ci/run', () => {
  const requested = files.filter((path) => /\bREQUIRE_(?!STORES)/.test(textOf(path)));
  const folders = new Set(requested.map((path) => path.split('/')[1] ?? ''));
  folders.delete('support');
  expect(folders.size).toBeGreaterThan(5);
  expect([...folders].filter((folder) => !new RegExp(`^ *tier ${folder}\\b`, 'm').test(ci))).toEqual([]);
});

it('.ci/run tests, checks and fuzzes, and `npm run check` runs every check', () => {
  for (const command of ['npm cit', 'npm run check', 'npm run fuzz', 'npm run test:servers']) {
    expect(ci).toMatch(new RegExp(`^ *step ${command}$`, 'm'));
  }
  expect(scripts.check).toBe('nx run-many -t types lint imports unused');
});
