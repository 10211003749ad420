import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { buildArgs } from '../../scripts/images/build-args.ts';
import { serviceNames } from '../../scripts/system.ts';
import { root } from './copy.ts';

type Artifact = { image: string; docker: { target: string; buildArgs?: Record<string, string> } };
type Module = {
  metadata: { name: string };
  build: { artifacts: Artifact[] };
  deploy: { kubectl: { hooks?: { before: unknown[] } } };
  profiles: { name: string; patches?: object[] }[];
  portForward?: { resourceName: string; port: number; localPort: number }[];
};

const modules = parseAllDocuments(readFileSync(join(root, 'skaffold.yaml'), 'utf8')).map(
  (document) => document.toJS() as Module,
);

it('there is a module for each service, after what they stand on and before the journeys', () => {
  const names = modules.map(({ metadata }) => metadata.name);
  expect(names.toSorted()).toEqual(['foundation', 'journeys', ...serviceNames].toSorted());
  expect([names.at(0), names.at(-1)]).toEqual(['foundation', 'journeys']);
});

it('the namespace and its secrets are made before anything is deployed', () => {
  const command = ['npx', 'node', 'scripts/cluster-secrets.ts'];
  expect(modules[0]?.deploy.kubectl.hooks?.before).toEqual([{ host: { command } }]);
});

it('the pages are forwarded to the ports that they have in Compose', () => {
  const forwarded = modules.flatMap(({ portForward = [] }) => portForward);
  const ports = forwarded.map(({ resourceName, port, localPort }) => [resourceName, port, localPort]);
  const pages = { zipkin: 9411, prometheus: 9090, alertmanager: 9093, grafana: 3000, gateway: 8080 };
  expect(ports).toEqual(Object.entries(pages).map(([name, port]) => [name, port, port]));
});

it.each([
  ['spark', 'k8s/overlays/local/spark'],
  ['spark-gke', 'k8s/overlays/gke/spark'],
])('the profile %s adds Spark', (name, value) => {
  const [foundation] = modules;
  const { patches } = foundation?.profiles.find((profile) => profile.name === name) ?? {};
  expect(patches).toEqual([{ op: 'add', path: '/manifests/kustomize/paths/-', value }]);
});

const ofServices = serviceNames.flatMap((name) =>
  modules.flatMap((module) => (module.metadata.name === name ? [{ name, module }] : [])),
);

it('the modules of the services differ by name, in what is forwarded, and in the arguments of the build', () => {
  const [first, ...others] = ofServices.map(({ name, module }) => {
    const { portForward: _, ...rest } = structuredClone(module);
    for (const { docker } of rest.build.artifacts) delete docker.buildArgs;
    return JSON.stringify(rest).replaceAll(name, '<service>');
  });
  for (const other of others) expect(other).toBe(first);
});

it.each(ofServices)('the module of $name builds with the stores of its service', ({ name, module }) => {
  const given = module.build.artifacts.map(({ docker }) => docker.buildArgs);
  expect(given).toEqual([buildArgs(name)]);
});
