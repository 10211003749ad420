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

const requests = /\bREQUIRE_(?!STORES)[A-Z_]+[A-Z]\b/g;

/** Returns the variables that request a file's tests: those that it or a module beside it reads, if it skips tests. */
function requestsOf(path: string): string[] {
  const text = textOf(path);
  if (!text.includes('skipIf(')) return [];
  const beside = [...text.matchAll(/ from '\.\/([\w-]+\.ts)'/g)].map(
    ([, name]) => `${dirname(path)}/${name}`,
  );
  return [text, ...beside.map(textOf)].flatMap((each) => each.match(requests) ?? []);
}

/** Returns the tiers of .ci/run, each with the variables that are set there. */
function tiersOf(script: string) {
  const set = new Set<string>();
  return script.split('\n').flatMap((line) => {
    if (/^ *export /.test(line)) for (const name of line.match(requests) ?? []) set.add(name);
    if (/^ *unset /.test(line)) for (const name of line.match(requests) ?? []) set.delete(name);
    const [, words] = /^ *(?:beside )?tier (.+)$/.exec(line) ?? [];
    const [folder = '', ...names] = words?.split(' ') ?? [];
    return folder ? [{ folder, names, set: new Set(set) }] : [];
  });
}

it('every variable that requests tests is set by .ci/run', () => {
  const names = new Set(
    files.flatMap((path) => textOf(path).match(/\b(REQUIRE|TEST)_[A-Z_]+[A-Z]\b/g) ?? []),
  );
  expect(names.size).toBeGreaterThan(5);
  const settings = ci.split('\n').filter((line) => /\b(export|read -r)\b/.test(line));
  expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(settings.join()))).toEqual([]);
});

it('every folder with tests that a variable requests is run by .ci/run', () => {
  const requested = files.filter((path) => textOf(path).search(requests) >= 0);
  const folders = new Set(requested.map((path) => path.split('/')[1] ?? ''));
  folders.delete('support');
  expect(folders.size).toBeGreaterThan(5);
  const run = new Set(tiersOf(ci).map(({ folder }) => folder));
  expect([...folders].filter((folder) => !run.has(folder))).toEqual([]);
});

it('every file with such tests is run by .ci/run where all of its variables are set', () => {
  const requested = files.filter((path) => path.endsWith('.test.ts') && requestsOf(path).length > 0);
  expect(requested.length).toBeGreaterThan(25);
  const isRun = (path: string) =>
    tiersOf(ci).some(
      ({ folder, names, set }) =>
        path.startsWith(`tests/${folder}/`) &&
        (names.length === 0 || names.some((name) => path.includes(name))) &&
        requestsOf(path).every((name) => set.has(name)),
    );
  expect(requested.filter((path) => !isRun(path))).toEqual([]);
});

it('.ci/run tests, checks and fuzzes, and `npm run check` runs every check', () => {
  for (const command of ['npm cit', 'npm run check', 'npm run fuzz', 'npm run test:servers']) {
    expect(ci).toMatch(new RegExp(`^ *step ${command}$`, 'm'));
  }
  expect(scripts.check).toBe('nx run-many -t types lint imports unused');
});
