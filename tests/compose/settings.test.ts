import { type PlatformSettings, readSettings } from '@slipway/platform/service/settings';
import { describe, expect, it } from 'vitest';
import { addressesOf, serviceNames, system } from '../../scripts/system.ts';
import { definitions } from '../support/definitions.ts';
import { services } from './file.ts';

/** Settings that Docker, Node, or a library reads. */
const foreign = /^((HTTP|HTTPS|ALL)_PROXY|DATASTORE_EMULATOR_HOST|METADATA_SERVER_DETECTION)$/i;

/** Stands for what the files of the secrets hold. */
const secrets: Record<string, string> = {
  SERVICE_TOKEN_FILE: 'a token of the tests',
  MANAGEMENT_TOKEN_FILE: 'token-of-an-operator',
  EXPERIMENTS_TOKEN_FILE: 'token-of-the-experiments',
  STORE_URL_FILE: 'mongodb://mongodb:27017/tests',
  ADMIN_PASSWORD_FILE: 'a password of the tests',
};

/** The ports of those that are none of our services. */
const listening: Record<string, number[]> = { zipkin: [9411], datastore: [8081] };

describe('the settings in docker-compose.yml', () => {
  it.each(serviceNames)('are known to %s, and it would start with them, and stop in time', (name) => {
    const { settings: schema } = definitions[name];
    const { environment = {}, stop_grace_period } = services[name] ?? {};
    const known = Object.keys(schema.properties);
    const names = Object.keys(environment).map((each) => each.replace(/_FILE$/, ''));
    expect(names.filter((each) => !known.includes(each) && !foreign.test(each))).toEqual([]);

    const values = Object.entries(environment).flatMap(([each, value]) => {
      if (each.endsWith('_FILE')) return [[each.replace(/_FILE$/, ''), secrets[each]]];
      // The default in the file: `${RATE_LIMIT:-}` is empty, and so not set.
      return [[each, String(value).replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')]];
    });
    const read = readSettings(schema, Object.fromEntries(values)) as PlatformSettings;
    expect(stop_grace_period).toMatch(/^\d+s$/);
    const grace = Number.parseInt(stop_grace_period ?? '', 10) * 1_000;
    expect(grace).toBeGreaterThan(read.STOP_DEADLINE_MS + 2_000);
  });

  it.each(serviceNames)('name to %s the services that it calls, and no other', (name) => {
    const named = Object.keys(services[name]?.environment ?? {});
    const called = serviceNames.filter((other) => named.includes(`${other.toUpperCase()}_URL`));
    expect(called).toEqual(addressesOf(name));
    const shown = serviceNames.filter((other) => named.includes(`${other.toUpperCase()}_STATUS_URL`));
    expect(shown).toEqual(system[name].calls === 'all' ? called : []);
  });

  it.each(serviceNames)('lead %s to ports of containers that are on a network with it', (name) => {
    const { environment = {}, networks = [] } = services[name] ?? {};
    const others = Object.keys(services).filter((other) => other !== name);
    const address = new RegExp(`\\b(${others.join('|')}):(\\d+)\\b`, 'g');
    const named = [...Object.values(environment).join('\n').matchAll(address)];
    // Zipkin, too.
    expect(named.length).toBeGreaterThan(addressesOf(name).length);
    for (const [, other = '', port] of named) {
      expect(listening[other] ?? [8080, 9080], other).toContain(Number(port));
      const shared = networks.filter((network) => services[other]?.networks?.includes(network));
      expect(shared, `${name} to ${other}`).not.toEqual([]);
    }
  });

  it('let the gateway believe no client what it says of its address', () => {
    expect(services.gateway?.environment?.TRUSTED_PROXIES).toBe('');
  });
});
