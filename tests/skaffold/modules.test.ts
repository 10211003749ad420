import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { serviceNames } from '../../scripts/topology.ts';
import { root } from './copy.ts';

type Module = { metadata: { name: string }; portForward?: unknown };

const modules = parseAllDocuments(readFileSync(join(root, 'skaffold.yaml'), 'utf8')).map(
  (document) => document.toJS() as Module,
);

it('there is a module for each service, after what they stand on and before the journeys', () => {
  const names = modules.map(({ metadata }) => metadata.name);
  expect(names.toSorted()).toEqual(['foundation', 'journeys', ...serviceNames].toSorted());
  expect([names.at(0), names.at(-1)]).toEqual(['foundation', 'journeys']);
});

it('the modules of the services differ by their name alone, and in what is forwarded', () => {
  const [first, ...others] = modules
    .filter(({ metadata }) => serviceNames.some((name) => name === metadata.name))
    .map(({ portForward: _, ...module }) =>
      JSON.stringify(module).replaceAll(module.metadata.name, '<service>'),
    );
  for (const other of others) expect(other).toBe(first);
});
