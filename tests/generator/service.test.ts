/** Services that the generator makes pass their own tests and every check, are served, and go away without a trace. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Copy, copyWithPackages } from './copy.ts';

const required = process.env.REQUIRE_GENERATOR !== undefined;
const minutes = 60_000;

describe.skipIf(!required)('the generator of services (needs REQUIRE_GENERATOR=1)', () => {
  let copy: Copy;
  beforeAll(async () => {
    copy = await copyWithPackages();
  }, 2 * minutes);
  afterAll(() => copy?.remove());

  const changes = () => copy.run('git', ['status', '--short']);
  // None of these tests measures time, and the machine may be busy.
  const runTests = (...args: string[]) => copy.run('npx', ['vitest', 'run', '--testTimeout=120000', ...args]);

  it(
    'writes nothing in a dry run',
    async () => {
      expect(await copy.generate('notes', '--dry-run')).toContain('CREATE apps/notes/src/app.ts');
      expect(await changes()).toBe('');
    },
    minutes,
  );

  it.each([
    'Notes',
    'my-notes',
    'users',
    'class',
    'mongodb',
    'invoices',
    'pages',
    'sessions',
    'process',
    'money',
  ])(
    'rejects the name %s, and says why',
    async (name) => {
      await expect(copy.generate(name)).rejects.toThrow(/no name|is a service|another meaning|already/);
      expect(await changes()).toBe('');
    },
    minutes,
  );

  it.each([
    ['none', 'notes'],
    ['mongodb', 'inventory'],
    ['datastore', 'parcels'],
  ])(
    'makes a service with the store %s that passes its tests and its journey',
    async (store, name) => {
      await copy.generate(name, `--store=${store}`);
      await runTests(`apps/${name}`, `tests/journeys/${name}.test.ts`);
    },
    4 * minutes,
  );

  it(
    'leaves nothing to do by hand: the checks and the tests of facts, manifests, Compose and pages pass',
    async () => {
      // The commands of the pages take minutes, and a new service changes none of them.
      const left = ['--exclude', '**/pages.test.ts'];
      await runTests('tests/facts', 'tests/manifests', 'tests/compose', 'tests/docs', ...left);
      await copy.run('npm', ['run', 'check']);
    },
    10 * minutes,
  );

  it.each(['notes', 'parcels'])(
    'makes %s keep the promises of every service',
    async (name) => {
      const output = await runTests('--dir', 'tests/conformance', 'services', '-t', `\\b${name}\\b`);
      expect(output).toMatch(/Tests +\d{2} passed/);
    },
    4 * minutes,
  );

  it(
    'removes all of them without a trace, the last one first',
    async () => {
      const remove = (name: string) => copy.generate(name, '--remove');
      await expect(remove('notes')).rejects.toThrow('First remove the services made after notes');
      for (const name of ['parcels', 'inventory', 'notes']) await remove(name);
      expect(await changes()).toBe('');
    },
    2 * minutes,
  );
});
