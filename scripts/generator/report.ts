import type { Edit } from './edits.ts';
import type { Names } from './names.ts';

const linesOf = (text: string) => text.split('\n').length - 1;

/** Says what was made, and what to do next. */
export function report({ name }: Names, files: Map<string, string>, rows: Edit[]): void {
  const lines = [...files.values()].reduce((sum, text) => sum + linesOf(text), 0);
  const changed = new Set(rows.map(({ file }) => file)).size;
  console.log(`
The service ${name} has ${files.size} files with ${lines} lines, and its rows in ${changed} other files.
Its dashboard and its tables in the docs were made from them.

Next:
  npm start                 then open http://localhost:8080/docs, and look for ${name}
  npx vitest run apps/${name}
  npm run check

Its contract is libs/contracts/src/${name}.ts; its rules begin in apps/${name}/src/${name}.ts.`);
}
