/** A service that the generator makes passes its own tests and every check, is served, and goes away without a trace. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const required = process.env.REQUIRE_GENERATOR !== undefined;
const minutes = 60_000;

let copy: string;
const run = async (command: string, ...args: string[]): Promise<string> => {
  const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', NO_COLOR: '1' };
  const { stdout } = await promisify(execFile)(command, args, { cwd: copy, env, maxBuffer: 1e8 });
  return stdout;
};
const generate = (...args: string[]) => run('npx', 'nx', 'g', 'service', ...args);

describe.skipIf(!required)('the generator of services', () => {
  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'slipway-generator-'));
    await run('git', 'clone', '--quiet', root, '.');
    await cp(`${root}node_modules`, `${copy}/node_modules`, { recursive: true, verbatimSymlinks: true });
  }, 2 * minutes);
  afterAll(() => rm(copy, { recursive: true, force: true }));

  it(
    'writes nothing in a dry run',
    async () => {
      expect(await generate('notes', '--dry-run')).toContain('CREATE apps/notes/src/app.ts');
      expect(await run('git', 'status', '--short')).toBe('');
    },
    minutes,
  );

  it.each(['Notes', 'my-notes', 'users', 'class', 'mongodb', 'invoices', 'pages', 'sessions', 'process'])(
    'rejects the name %s, and says why',
    async (name) => {
      await expect(generate(name)).rejects.toThrow(/no name|is a service|another meaning|already/);
      expect(await run('git', 'status', '--short')).toBe('');
    },
    minutes,
  );

  it.each(['none', 'sqlite+mongodb'])(
    'makes a service with the store %s that passes its tests, the checks and the tests of the manifests',
    async (store) => {
      const name = store === 'none' ? 'notes' : 'inventory';
      await generate(name, `--store=${store}`);
      const tests = ['tests/facts', 'tests/manifests', 'tests/compose/file', 'tests/docs'];
      await run('npx', 'vitest', 'run', `apps/${name}`, ...tests);
      await run('npm', 'run', 'check');
    },
    6 * minutes,
  );

  it(
    'removes both without a trace',
    async () => {
      await expect(generate('notes', '--remove')).rejects.toThrow(
        'First remove the services made after notes',
      );
      await generate('inventory', '--remove');
      await generate('notes', '--remove');
      expect(await run('git', 'status', '--short')).toBe('');
    },
    2 * minutes,
  );
});
