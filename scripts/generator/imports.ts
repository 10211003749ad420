import { readText, type Tree } from './tree.ts';

/** Returns the line before which the import of a module belongs, because imports are sorted; `undefined` if it is the last. */
export function importAfter(tree: Tree, file: string, module: string): string | undefined {
  const [scope] = module.split('/');
  const imports = readText(tree, file).matchAll(/^import .* from '([^']+)';$/gm);
  return [...imports].find(([, other = '']) => other.startsWith(`${scope}/`) && other > module)?.[0];
}
