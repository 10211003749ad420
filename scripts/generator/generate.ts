/** `npx nx g service <name>`: adds a service to every file that lists services, or removes it again. */

import { derive, format } from './derived.ts';
import { addRow, removeRow } from './edits.ts';
import { checkName, checkRemovable, namesOf } from './names.ts';
import { lockWith, lockWithout } from './package-lock.ts';
import { report } from './report.ts';
import { rowsOf } from './rows.ts';
import { addFiles, filesOf, readsStore, type Store, storeOf } from './templates.ts';
import { readText, type Tree } from './tree.ts';

type Options = { name: string; store: Parameters<typeof storeOf>[0]; remove: boolean };

/** The generator. Nx writes the files after it, and then calls the function that it returns. */
export function generate(tree: Tree, { name, store, remove }: Options): () => void {
  return remove ? removeService(tree, name) : addService(tree, name, storeOf(store));
}

function addService(tree: Tree, name: string, store: Store): () => void {
  checkName(tree, name);
  const names = namesOf(name);
  const files = filesOf(names, store);
  const rows = rowsOf(tree, names, store, nextPort(tree));
  addFiles(tree, files);
  for (const row of rows) addRow(tree, row);
  tree.write('package-lock.json', lockWith(readText(tree, 'package-lock.json'), name, files));
  return () => {
    format(name);
    derive();
    report(names, files, rows);
  };
}

function removeService(tree: Tree, name: string): () => void {
  checkRemovable(tree, name);
  const names = namesOf(name);
  const store = readsStore(tree, name);
  const port = Number(
    new RegExp(`\\n  ${name}: {\\n[^}]*port: (\\d+)`).exec(readText(tree, 'scripts/system.ts'))?.[1],
  );
  if (port + 1 !== nextPort(tree))
    throw new Error(
      `First remove the services made after ${name}: the gateway counts default ports in their order.`,
    );
  for (const row of rowsOf(tree, names, store, port)) removeRow(tree, row);
  for (const folder of foldersOf(name)) tree.delete(folder);
  tree.write('package-lock.json', lockWithout(readText(tree, 'package-lock.json'), name));
  return derive;
}

/** All that belongs to a service alone. */
const foldersOf = (name: string) => [
  `apps/${name}`,
  `k8s/base/${name}`,
  ...['local', 'dev', 'gke'].map((overlay) => `k8s/overlays/${overlay}/${name}`),
  `libs/contracts/src/${name}.ts`,
  `tests/journeys/${name}.test.ts`,
  `k8s/observability/grafana/dashboards/slipway-${name}.json`,
];

/** Returns the port after the last service's. The gateway's default addresses count on this order. */
function nextPort(tree: Tree): number {
  const ports = readText(tree, 'scripts/system.ts').matchAll(/^ {4}port: (40\d\d),$/gm);
  return Math.max(...[...ports].map(([, port]) => Number(port))) + 1;
}
