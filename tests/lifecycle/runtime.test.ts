import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const isOld = (node: string) =>
  Number.parseInt(execFileSync(node, ['--version'], { encoding: 'utf8' }).slice(1), 10) < 26;

/** The Node of this machine, which runs npm, where it is older than that of the project. */
const folders = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'));
const old = folders.map((folder) => join(folder, 'node')).find((node) => existsSync(node) && isOld(node));

const run = Object.entries(scripts).filter(([, command]) => command.startsWith('node '));
const commands = run.filter(([name]) => !/^(pre|post)/.test(name));

it('each npm script that Node runs checks its Node first', () => {
  expect(run.length).toBeGreaterThan(5);
  expect(run.filter(([, command]) => !command.includes('scripts/runtime.mjs'))).toEqual([]);
});

it.skipIf(!old)(
  'an older Node says in one sentence how to get the right one, as after --ignore-scripts',
  () => {
    const args = (scripts.start ?? '').split(' ').slice(1);
    const { status, stderr } = spawnSync(old ?? '', args, { cwd: root, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toBe(
      'Slipway runs on Node 26, which `npm ci` installs, but not with --ignore-scripts: run `npm rebuild node`.\n',
    );
  },
);

it.for(commands)('npm run %s -- --help prints its manual and does nothing else', ([name, command]) => {
  const [, ...args] = command.split(' ');
  const { status, stdout } = spawnSync('node', [...args, '--help'], { cwd: root, encoding: 'utf8' });
  expect({ status, stdout }).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(`npm (run )?${name}\\b`),
  });
});
