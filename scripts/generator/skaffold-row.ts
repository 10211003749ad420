import type { Edit } from './edits.ts';
import type { Names } from './names.ts';
import type { Store } from './templates.ts';
import { readText, type Tree } from './tree.ts';

const file = 'skaffold.yaml';
const before = 'apiVersion: skaffold/v4beta13\nkind: Config\nmetadata:\n  name: gateway\n';

/** The module of a service in skaffold.yaml: that of users, but for its name and for its store. */
export function skaffoldRow(tree: Tree, { name }: Names, store: Store): Edit {
  const modules = readText(tree, file).split('---\n');
  const sibling = modules.find((module) => module.includes('\n  name: users\n'));
  if (!sibling) throw new Error(`${file} lacks the module of users, beside which the generator adds one.`);
  const row = withStore(sibling, store).replace(/\busers\b/g, name);
  return { file, before, row: `${row}---\n` };
}

/** Replaces the build arguments that name the libraries of a module's stores. */
function withStore(module: string, store: Store): string {
  const [embedded, database] = store.split('+');
  if (!database) return module.replace(/^ +(EMBEDDED|DATABASE): .*\n/gm, '');
  return module
    .replace(/EMBEDDED: .*/, `EMBEDDED: store-${embedded}`)
    .replace(/DATABASE: .*/, `DATABASE: store-${database}`);
}
