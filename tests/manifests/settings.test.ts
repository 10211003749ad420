import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readSettings } from '@slipway/platform/service/settings';
import type { TObject } from 'typebox';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { serviceNames } from '../../scripts/system.ts';
import { definitions } from '../support/definitions.ts';
import { parse, renderText } from './render.ts';
import { missingTools } from './tools.ts';
import { containerOf, environmentOf, workloadsOf } from './workloads.ts';

const missing = missingTools('kubectl');

/** The settings that each service reads. */
const schemas: Record<string, TObject> = Object.fromEntries(
  serviceNames.map((name) => [name, definitions[name].settings]),
);

/** Read by Node, by libraries, or by the manifests themselves. */
const others = [
  'CLUSTER_DOMAIN',
  'GOOGLE_CLOUD_PROJECT',
  'NAMESPACE',
  'NODE_OPTIONS',
  'OTEL_EXPORTER_ZIPKIN_ENDPOINT',
  'DATASTORE_EMULATOR_HOST',
  'METADATA_SERVER_DETECTION',
];

/** Stands for what the Secret holds. */
const secrets: Record<string, string> = {
  SERVICE_TOKEN: 'a token of the tests',
  STORE_URL: 'mongodb://mongodb:27017/tests',
  MANAGEMENT_TOKEN: 'token-of-an-operator',
  ADMIN_EMAIL: 'admin@example.com',
  ADMIN_PASSWORD: 'a password of the tests',
};

describe.skipIf(missing)(`the settings in the manifests${missing && `, skipped: no ${missing}`}`, () => {
  describe.each(missing ? [] : ['overlays/local', 'overlays/gke'])('of %s', (overlay) => {
    const manifests = parse(renderText(overlay));
    const ours = workloadsOf(manifests).filter((each) => containerOf(each).image.includes('slipway/'));

    it.each(ours)('are known to $name, and it would start with them', (workload) => {
      const schema = schemas[workload.name];
      if (!schema) throw new Error(`scripts/system.ts has no service ${workload.name}`);
      const environment = environmentOf(workload, manifests);
      const known = Object.keys(schema.properties);
      const names = Object.keys(environment).map((name) => name.replace(/_FILE$/, ''));
      expect(names.filter((name) => !known.includes(name) && !others.includes(name))).toEqual([]);

      const files = Object.keys(environment).filter((name) => name.endsWith('_FILE'));
      const entries = Object.entries(environment).filter(([name]) => !files.includes(name));
      const read = files
        .map((name) => name.replace(/_FILE$/, ''))
        .map((name) => [name, secrets[name]] as const);
      expect(() => readSettings(schema, Object.fromEntries([...entries, ...read]))).not.toThrow();
    });
  });
});

describe('the files of k8s/observability', () => {
  const root = fileURLToPath(new URL('../../k8s/observability/', import.meta.url));
  const { configMapGenerator } = parseYaml(readFileSync(`${root}kustomization.yaml`, 'utf8')) as {
    configMapGenerator: { files: string[] }[];
  };
  const listed = configMapGenerator.flatMap(({ files }) => files);

  it.each([
    'prometheus/rules',
    'grafana/dashboards',
    'grafana/provisioning/datasources',
    'grafana/provisioning/dashboards',
  ])('in %s are all in the kustomization', (folder) => {
    const files = readdirSync(root + folder, { withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files.map(({ name }) => `${folder}/${name}`);
    expect(listed.filter((path) => path.startsWith(`${folder}/`)).sort()).toEqual(paths.sort());
  });
});
