import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serviceNames, servicesOn, system } from '../../scripts/system.ts';

const script = fileURLToPath(new URL('../../scripts/compose/secrets.ts', import.meta.url));

/** The services that have a database account. */
const withAccount = servicesOn('mongodb');

/** In the order in which they are written; a start may be cut off after any of them. */
const names = [
  'mongodb/root-password',
  ...serviceNames.flatMap((name) => [
    ...(withAccount.includes(name) ? [`${name}/store-url`] : []),
    ...(system[name].serviceToken ? [`${name}/service-token`] : []),
    ...(name === 'users' ? ['users/admin-password'] : []),
    `${name}/management-token`,
    `${name}/experiments-token`,
  ]),
  'mongodb-users/root-url',
  ...withAccount.map((name) => `mongodb-users/${name}-store-url`),
  'grafana/admin-password',
  'alertmanager/webhook-url',
];

describe('the secrets of the Compose system', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'slipway-secrets-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const start = () => execFileSync(process.execPath, [script], { cwd: root });
  const fileOf = (name: string) => join(root, 'data', name);

  function written(): Record<string, string> {
    const found = readdirSync(join(root, 'data'), { recursive: true, encoding: 'utf8' });
    const paths = found.filter((path) => path.includes('/'));
    return Object.fromEntries(paths.map((path) => [path, readFileSync(fileOf(path), 'utf8').trim()]));
  }

  function expectWhole(secrets: Record<string, string>): void {
    expect(Object.keys(secrets).sort()).toEqual([...names].sort());
    const passwordIn = (url = '') => new URL(url).password;
    for (const name of withAccount) {
      const { username, password } = new URL(secrets[`${name}/store-url`] ?? '');
      expect(username).toBe(name);
      expect(password).toMatch(/^[\w-]{24}$/);
      expect(secrets[`mongodb-users/${name}-store-url`]).toBe(secrets[`${name}/store-url`]);
    }
    for (const name of serviceNames.filter((each) => system[each].serviceToken)) {
      expect(secrets[`${name}/service-token`]).toBe(secrets['users/service-token']);
    }
    for (const name of serviceNames) {
      expect(secrets[`${name}/management-token`]).toBe(secrets['gateway/management-token']);
      expect(secrets[`${name}/experiments-token`]).toBe(secrets['gateway/experiments-token']);
    }
    expect(passwordIn(secrets['mongodb-users/root-url'])).toBe(secrets['mongodb/root-password']);
    const random = Object.values(secrets).filter((text) => /^[\w-]{24}$/.test(text));
    const passwords = withAccount.map((name) => passwordIn(secrets[`${name}/store-url`]));
    // The root's, the services' token, the operator's, that of experiments, the administrator's, Grafana's, and one for each database account.
    expect(new Set([...random, ...passwords]).size).toBe(6 + withAccount.length);
  }

  it('are made once, and are all there', () => {
    start();
    const made = written();
    expectWhole(made);
    start();
    expect(written()).toEqual(made);
  });

  it.each([1, 3, 7, 11, names.length - 2])(
    'are completed after a start that was cut off after %i of them',
    (count) => {
      start();
      const made = written();
      const [cut = '', ...missing] = names.slice(count);
      writeFileSync(`${fileOf(cut)}.new`, 'half of i');
      for (const name of [cut, ...missing]) rmSync(fileOf(name));
      start();
      expectWhole(written());
      for (const name of names.slice(0, count)) expect([name, written()[name]]).toEqual([name, made[name]]);
    },
  );

  it('are written where a start left an empty file', () => {
    start();
    rmSync(fileOf('users/admin-password'));
    writeFileSync(fileOf('users/admin-password'), '', { mode: 0o444 });
    rmSync(fileOf('grafana/admin-password'));
    start();
    expectWhole(written());
  });

  it('keep what somebody has put in their place', () => {
    start();
    writeFileSync(fileOf('alertmanager/webhook-url'), 'https://chat.example.com/hook');
    start();
    expect(written()['alertmanager/webhook-url']).toBe('https://chat.example.com/hook');
  });
});
