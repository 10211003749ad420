import type { Edit } from './edits.ts';
import type { Names } from './names.ts';
import type { Store } from './templates.ts';
import { readText, type Tree } from './tree.ts';

const file = 'skaffold.yaml';
const before = 'apiVersion: skaffold/v4beta13\nkind: Config\nmetadata:\n  name: gateway\n';

/** The module of a service in skaffold.yaml: that of users, but for its name, and for the store if there is none. */
export function skaffoldRow(tree: Tree, { name }: Names, store: Store): Edit {
  const modules = readText(tree, file).split('---\n');
  const sibling = modules.find((module) => module.includes('\n  name: users\n'));
  if (!sibling) throw new Error(`${file} lacks the module of users, beside which the generator adds one.`);
  const storeArguments = /^ +(EMBEDDED|DATABASE): .*\n/gm;
  const module = store === 'none' ? sibling.replace(storeArguments, '') : sibling;
  return { file, before, row: `${module.replace(/\busers\b/g, name)}---\n` };
}
