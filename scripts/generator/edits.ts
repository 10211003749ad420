import { readText, type Tree } from './tree.ts';

/** One row of a service in a file that lists services. */
export type Edit = {
  file: string;
  /** The text after which the list begins; the beginning of the file if absent. */
  section?: string;
  /** The text that ends the list: the row is added right before it, at the end of the file if absent. */
  before?: string;
  row: string;
  /** The pattern of the text to remove, if other programs write into the row. */
  removed?: RegExp;
};

/** Adds a row to the end of its list. */
export function addRow(tree: Tree, { file, section = '', before, row }: Edit): void {
  const text = readText(tree, file);
  const begin = indexOf(text, section, 0, file) + section.length;
  const end = before === undefined ? text.length : indexOf(text, before, begin, file);
  tree.write(file, text.slice(0, end) + row + text.slice(end));
}

/** Removes what `addRow` has added. The rest of the file stays as it is. */
export function removeRow(tree: Tree, { file, section = '', row, removed }: Edit): void {
  const text = readText(tree, file);
  const begin = indexOf(text, section, 0, file) + section.length;
  // A shorter name must not find a longer one.
  const pattern = removed ?? new RegExp(`${RegExp.escape(row)}(?<![a-z](?=[a-z]))`);
  const found = pattern.exec(text.slice(begin));
  if (!found) throw new Error(`${file} has no longer the row that was made. Remove it by hand:\n${row}`);
  const start = begin + found.index;
  tree.write(file, text.slice(0, start) + text.slice(start + found[0].length));
}

function indexOf(text: string, part: string, from: number, file: string): number {
  const index = text.indexOf(part, from);
  if (index < 0) throw new Error(`${file} lacks "${part.trim()}", beside which the generator adds a row.`);
  return index;
}
