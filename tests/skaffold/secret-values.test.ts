import { X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { endsSoon, newCertificate } from '../../scripts/cluster/certificate.ts';
import { completeSecrets } from '../../scripts/cluster/secret-values.ts';
import { servicesOn } from '../../scripts/system.ts';

const day = 24 * 3_600_000;

it('makes another random value for each secret and each cluster', () => {
  const [one, two] = [completeSecrets({}), completeSecrets({})];
  for (const key of [
    'service-token',
    'management-token',
    'admin-password',
    'grafana-password',
    'mongodb-password',
  ]) {
    expect(one[key]).toMatch(/^[\w-]{24}$/);
    expect(one[key]).not.toBe(two[key]);
  }
});

it('keeps what is there, and makes only what is missing', () => {
  const kept = completeSecrets({});
  const { 'service-token': lost, ...rest } = kept;
  expect(completeSecrets(kept)).toEqual(kept);
  expect(completeSecrets(rest)).toEqual({ ...rest, 'service-token': expect.not.stringMatching(lost ?? '') });
});

it('writes the password of the root account into its address as a URL has it', () => {
  const { 'mongodb-root-url': url = '' } = completeSecrets({ 'mongodb-password': 'p@ss/word' });
  expect(new URL(url)).toMatchObject({ username: 'slipway', password: 'p%40ss%2Fword', pathname: '/admin' });
});

it('gives each service on MongoDB an account there, with a password of its own', () => {
  const values = completeSecrets({});
  const names = servicesOn('mongodb');
  expect(names).toEqual(expect.arrayContaining(['users', 'billing']));
  const accounts = names.map((name) => new URL(values[`${name}-store-url`] ?? ''));
  expect(accounts.map(({ username, pathname }) => [username, pathname])).toEqual(
    names.map((name) => [name, `/${name}`]),
  );
  const passwords = accounts.map(({ password }) => password);
  expect(new Set([...passwords, values['mongodb-password']]).size).toBe(names.length + 1);
});

it('replaces a store URL with the root account, as older versions made it', () => {
  const old = { 'mongodb-username': 'slipway', 'mongodb-password': 'p@ss' };
  const url = 'mongodb://slipway:p%40ss@mongodb:27017/users?authSource=admin';
  const values = completeSecrets({ ...old, 'users-store-url': url });
  expect(new URL(values['users-store-url'] ?? '').username).toBe('users');
  expect(values).toMatchObject(old);
  expect(completeSecrets(values)).toEqual(values);
});

it('keeps the address of a database elsewhere', () => {
  const url = 'mongodb+srv://cluster.example.com/users';
  expect(completeSecrets({ 'users-store-url': url })['users-store-url']).toBe(url);
});

it('makes a certificate for localhost and its key, to be renewed a week before it ends', () => {
  const { certificate, key } = newCertificate();
  const parsed = new X509Certificate(certificate);
  expect(parsed.checkHost('localhost')).toBe('localhost');
  expect(parsed.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(key).toContain('PRIVATE KEY');
  const end = parsed.validToDate.getTime();
  expect(endsSoon(certificate)).toBe(false);
  expect(endsSoon(certificate, end - 8 * day)).toBe(false);
  expect(endsSoon(certificate, end - 6 * day)).toBe(true);
});
