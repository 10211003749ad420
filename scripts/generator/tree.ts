/** The files of the workspace, as Nx lends them to a generator: nothing is written before the generator has ended. */
export type Tree = {
  exists(path: string): boolean;
  read(path: string, encoding: 'utf8'): string | null;
  write(path: string, content: string): void;
  delete(path: string): void;
};

/** @throws {Error} if the file does not exist */
export function readText(tree: Tree, path: string): string {
  const text = tree.read(path, 'utf8');
  if (text === null) throw new Error(`${path} does not exist, and the generator adds a row to it.`);
  return text;
}
