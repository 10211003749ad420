import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Names } from './names.ts';
import { readText, type Tree } from './tree.ts';

const folder = fileURLToPath(new URL('./files/', import.meta.url));

/** The folders of templates that each kind of service has. A file of a later folder replaces that of an earlier one. */
const foldersOf = {
  none: ['all', 'none'],
  'sqlite+mongodb': ['all', 'store', 'mongodb'],
  'sqlite+datastore': ['all', 'store', 'datastore'],
} as const;

/** The stores that a new service can have: an embedded one, and the one in Compose and in a cluster. */
export type Store = keyof typeof foldersOf;

/** Returns the store that an option names: `mongodb` and `datastore` are short for those with the embedded store. */
export function storeOf(option: Store | 'mongodb' | 'datastore'): Store {
  return option === 'mongodb' || option === 'datastore' ? `sqlite+${option}` : option;
}

/** Fills the templates of a service in. A path has the same placeholders as the text. */
export function filesOf(names: Names, store: Store): Map<string, string> {
  const files = foldersOf[store].flatMap((name) =>
    globSync('**/*.template', { cwd: folder + name }).map((path): [string, string] => [
      fill(path.replace(/\.template$/, ''), names),
      fill(readFileSync(`${folder}${name}/${path}`, 'utf8'), names),
    ]),
  );
  const byPath = new Map(files);
  return new Map([...byPath].sort(([a], [b]) => a.localeCompare(b)));
}

/** Replaces `__name__` and the other placeholders, which are the fields of `Names`. */
function fill(text: string, names: Names): string {
  return text.replace(/__(name|Name|NAME|Item|item)__/g, (_, key: keyof Names) => names[key]);
}

export function addFiles(tree: Tree, files: Map<string, string>): void {
  for (const [path, text] of files) {
    if (tree.exists(path)) throw new Error(`${path} exists already. Remove it, or choose another name.`);
    tree.write(path, text);
  }
}

export function readsStore(tree: Tree, name: string): Store {
  const [, row = ''] = readText(tree, 'scripts/system.ts').split(`\n  ${name}: {\n`);
  return /^\s+store: '([^']+)'/m.exec(row)?.[1] as Store;
}
