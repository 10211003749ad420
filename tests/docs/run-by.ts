/** Reads whether other tests and scripts contain the commands of a block. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './decisions.ts';
import { commandsOf, type Fence } from './fences.ts';

/** Returns the commands of a block that are in none of the files and folders that its `run-by` names. */
export function notRunBy(fence: Fence): string[] {
  const paths = (fence.attributes['run-by'] ?? '').split(' ');
  const texts = paths.flatMap((path) => textsOf(join(root, path))).map(plain);
  const isRun = (command: string) => texts.some((text) => contains(text, command));
  return commandsOf(fence).filter((command) => !withoutComment(command).split(' && ').every(isRun));
}

function textsOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [readFileSync(path, 'utf8')];
  const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  return files.map((file) => readFileSync(join(path, file), 'utf8'));
}

const withoutComment = (command: string) => command.replace(/\s+#.*/, '');

/** Whether a text has the words of a command and names its variables. A long command may have other operands there. */
function contains(text: string, command: string): boolean {
  const variables = [...command.matchAll(/(?<=^|\s)([A-Z_]+)=\S+ /g)].map(([, name = '']) => name);
  const words = plain(command.replaceAll(/(?<=^|\s)([A-Z_]+=|--)\S+/g, ' '));
  const shorter = words.split(' ').length > 4 ? [words.replace(/ \S+$/, '')] : [];
  const isThere = [words, ...shorter].some((each) => ` ${text} `.includes(` ${each} `));
  return isThere && variables.every((name) => text.includes(name));
}

/** Returns the words of a text. A list of arguments is like a line of them; `tier x` is what it stands for in `.ci/run`. */
function plain(text: string): string {
  const commands = text.replaceAll(/^ *(?:beside )?tier (\w+)/gm, 'npx vitest run --dir tests/$1');
  return commands
    .replaceAll(/--\S+|[^\w./+-]+/g, ' ')
    .replaceAll(/ +/g, ' ')
    .trim();
}
