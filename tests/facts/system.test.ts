/** The table of the system says what the code and the files say that cannot read it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { operations } from '@slipway/contracts/operations';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { addressesOf, serviceNames, storesOf, system } from '../../scripts/system.ts';
import { definitions } from '../support/definitions.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(root + path, 'utf8');

type Named = { default?: string };

describe.each(serviceNames)('the row of %s', (name) => {
  const row = system[name];
  const properties: Record<string, Named> = definitions[name].settings.properties;
  const variables = Object.keys(properties);

  it('names the services whose addresses are settings of it', () => {
    const named = serviceNames.filter((other) => variables.includes(`${other.toUpperCase()}_URL`));
    expect(named).toEqual(addressesOf(name));
  });

  it('says whether it has a store, the token of the services, and jobs', () => {
    expect({
      store: variables.includes('STORE_URL'),
      serviceToken: variables.includes('SERVICE_TOKEN'),
      jobs: existsSync(`${root}apps/${name}/src/jobs.ts`),
    }).toEqual({
      store: row.store !== 'none',
      serviceToken: row.serviceToken,
      jobs: row.jobs,
    });
    expect(definitions[name].openStore !== undefined).toBe(row.store !== 'none');
  });

  it('names the store libraries of its package', () => {
    const { dependencies } = JSON.parse(read(`apps/${name}/package.json`));
    const libraries = Object.keys(dependencies).filter((each) => each.startsWith('@slipway/store-'));
    expect(libraries.sort()).toEqual(
      storesOf(name)
        .map((store) => `@slipway/store-${store}`)
        .sort(),
    );
  });

  it('has the ports at which the settings of others look for it by default', () => {
    const schemas = serviceNames.map((other) => definitions[other].settings);
    const defaults = (variable: string) => {
      const all = schemas.flatMap((schema) => (schema.properties as Record<string, Named>)[variable] ?? []);
      return new Set(all.map(({ default: value }) => value));
    };
    const prefix = name.toUpperCase();
    for (const address of defaults(`${prefix}_URL`)) expect(address).toBe(`http://127.0.0.1:${row.port}`);
    for (const address of defaults(`${prefix}_STATUS_URL`))
      expect(address).toBe(`http://127.0.0.1:${row.management}/status`);
  });
});

describe('the services of the table', () => {
  it('are those that have a folder, and a contract', () => {
    expect(readdirSync(`${root}apps`).sort()).toEqual([...serviceNames].sort());
    expect(Object.keys(operations).sort()).toEqual([...serviceNames].sort());
  });

  it('have ports of their own', () => {
    const ports = Object.values(system).flatMap(({ port, management }) => [port, management]);
    expect(new Set(ports).size).toBe(ports.length);
  });

  it('are scraped in Compose', () => {
    const { scrape_configs } = parse(read('k8s/observability/prometheus/scrape/compose.yml'));
    expect(scrape_configs[0].dns_sd_configs[0].names).toEqual(serviceNames);
  });

  it('are missed by an alert when their last replica is gone', () => {
    const { groups } = parse(read('k8s/observability/prometheus/rules/availability.yml'));
    const { expr } = groups[0].rules.find(({ alert }: { alert: string }) => alert === 'ServiceAbsent');
    const missed = [...expr.matchAll(/absent\(build_info\{service="(\w+)"\}\)/g)].map(([, name]) => name);
    expect(missed).toEqual(serviceNames);
  });

  it('have a page in Grafana', () => {
    const documents = parseAllDocuments(read('k8s/observability/workloads/grafana.yaml'));
    const mounted = [...JSON.stringify(documents).matchAll(/"dashboard-(\w+)"/g)].map(([, name]) => name);
    const generated = parse(read('k8s/observability/kustomization.yaml')).configMapGenerator.flatMap(
      ({ name }: { name: string }) => /^dashboard-(\w+)$/.exec(name)?.[1] ?? [],
    );
    expect(mounted).toEqual(expect.arrayContaining([...serviceNames]));
    expect(mounted.sort()).toEqual(generated.sort());
  });
});
