import { settings as billing } from '@slipway/billing/config';
import { settings as gateway } from '@slipway/gateway/config';
import { type PlatformSettings, readSettings } from '@slipway/platform/service/settings';
import { settings as reporting } from '@slipway/reporting/config';
import { settings as users } from '@slipway/users/config';
import { describe, expect, it } from 'vitest';
import { services } from './file.ts';

const schemas = { gateway, users, billing, reporting };

/** Settings that Docker, Node, or a library reads. */
const foreign = /^((HTTP|HTTPS|ALL)_PROXY|DATASTORE_EMULATOR_HOST|METADATA_SERVER_DETECTION)$/i;

/** Stands for what the files of the secrets hold. */
const secrets: Record<string, string> = {
  SERVICE_TOKEN_FILE: 'a token of the tests',
  MANAGEMENT_TOKEN_FILE: 'token-of-an-operator',
  STORE_URL_FILE: 'mongodb://mongodb:27017/tests',
  ADMIN_PASSWORD_FILE: 'a password of the tests',
};

/** The ports of those that are none of our services. */
const listening: Record<string, number[]> = { zipkin: [9411], datastore: [8081] };

describe('the settings in docker-compose.yml', () => {
  it.each(Object.entries(schemas))(
    'are known to %s, and it would start with them, and stop in time',
    (name, schema) => {
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
    },
  );

  it.each(Object.keys(schemas))('lead %s to ports of containers that are on a network with it', (name) => {
    const { environment = {}, networks = [] } = services[name] ?? {};
    const others = Object.keys(services).filter((other) => other !== name);
    const address = new RegExp(`\\b(${others.join('|')}):(\\d+)\\b`, 'g');
    const named = [...Object.values(environment).join('\n').matchAll(address)];
    expect(named.length).toBeGreaterThan(1);
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
