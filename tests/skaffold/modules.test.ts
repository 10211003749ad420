import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { buildArgs } from '../../scripts/images/build-args.ts';
import { serviceNames } from '../../scripts/topology.ts';
import { root } from './copy.ts';

type Artifact = { image: string; docker: { target: string; buildArgs?: Record<string, string> } };
type Module = {
  metadata: { name: string };
  build: { artifacts: Artifact[] };
  portForward?: unknown;
};

const modules = parseAllDocuments(readFileSync(join(root, 'skaffold.yaml'), 'utf8')).map(
  (document) => document.toJS() as Module,
);

it('there is a module for each service, after what they stand on and before the journeys', () => {
  const names = modules.map(({ metadata }) => metadata.name);
  expect(names.toSorted()).toEqual(['foundation', 'journeys', ...serviceNames].toSorted());
  expect([names.at(0), names.at(-1)]).toEqual(['foundation', 'journeys']);
});

const ofServices = modules.filter(({ metadata }) => serviceNames.some((name) => name === metadata.name));

it('the modules of the services differ by name, in what is forwarded, and in the arguments of the build', () => {
  const [first, ...others] = ofServices.map((module) => {
    const { portForward: _, ...rest } = structuredClone(module);
    for (const { docker } of rest.build.artifacts) delete docker.buildArgs;
    return JSON.stringify(rest).replaceAll(module.metadata.name, '<service>');
  });
  for (const other of others) expect(other).toBe(first);
});

it.each(ofServices)('the module of $metadata.name builds with the stores of its package.json', (module) => {
  const given = module.build.artifacts.map(({ docker }) => docker.buildArgs);
  expect(given).toEqual([buildArgs(module.metadata.name)]);
});
