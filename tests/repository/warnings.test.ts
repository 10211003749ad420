import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'slipway-npm-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A package that needs a newer Node than the one that runs npm. */
beforeAll(() => {
  mkdirSync(join(folder, 'needy'));
  const needy = { name: 'needy', version: '1.0.0', engines: { node: '>=999' } };
  writeFileSync(join(folder, 'needy/package.json'), JSON.stringify(needy));
  const own = { name: 'own', version: '1.0.0', dependencies: { needy: 'file:needy' } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(own));
});

/** Returns the problems that npm prints. The settings of the npm that runs this test do not apply. */
function warningsOf(...args: string[]): string {
  const env = Object.entries(process.env).filter(([name]) => !/^npm_config_/i.test(name));
  const command = ['install', '--offline', '--no-audit', '--no-package-lock', ...args];
  const options = { cwd: folder, encoding: 'utf8', env: Object.fromEntries(env) } as const;
  return spawnSync('npm', command, options).stderr;
}

it('npm prints no warning about a Node that the packages do not run on', () => {
  expect(warningsOf()).toContain('EBADENGINE');
  copyFileSync(join(root, '.npmrc'), join(folder, '.npmrc'));
  expect(warningsOf()).toBe('');
  expect(warningsOf('--loglevel=warn')).toContain('EBADENGINE');
});
