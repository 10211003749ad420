import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Names } from './names.ts';
import { readText, type Tree } from './tree.ts';

const folder = fileURLToPath(new URL('./files/', import.meta.url));

/** The stores that a new service can have: an embedded one, and the one in Compose and in a cluster. */
export type Store = 'none' | 'sqlite+mongodb';

/** Fills the templates of a service in. A path has the same placeholders as the text. */
export function filesOf(names: Names, store: Store): Map<string, string> {
  const folders = [`${folder}both/`, `${folder}${store === 'none' ? 'none' : 'store'}/`];
  const files = folders.flatMap((from) =>
    globSync('**/*.template', { cwd: from }).map((path): [string, string] => [
      fill(path.replace(/\.template$/, ''), names),
      fill(readFileSync(from + path, 'utf8'), names),
    ]),
  );
  return new Map(files.sort(([a], [b]) => a.localeCompare(b)));
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
