/** Reads the commands in the inline code of the pages, such as those in the README's table. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pages, root } from './decisions.ts';

export type InlineCommand = { page: string; command: string };

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
/** Commands of npm itself. */
const ownCommands = ['ci', 'cit', 'install', 'rebuild', 'sbom'];

/** The commands in inline code that begin with `npm`, `npx`, `node` or `scripts/`. */
export const inlineCommands: InlineCommand[] = pages.flatMap((page) => {
  const prose = readFileSync(join(root, page), 'utf8').replaceAll(/^( *)(`{3,}).*?^ *\2 *$/gms, '');
  const code = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
  const commands = code.flatMap((text) => text.split(/ && | \| |; /));
  return commands
    .filter((text) => /^(\w+=\S+ )*(npm|npx|node|scripts\/) ?/.test(text))
    .map((command) => ({ page, command }));
});

/** Returns the script, program or path in a command that does not exist; `undefined` if all exist. */
export function missingFrom(command: string): string | undefined {
  const words = command
    .replace(/^(\w+=\S+ )*/, '')
    .replace('npm run -s ', 'npm run ')
    .split(' ');
  return missingScript(words) ?? missingPath(words);
}

function missingScript([program, first = '', second = '']: string[]): string | undefined {
  if (program === 'npm' && first === 'run' && second) return second in scripts ? undefined : second;
  if (program === 'npm' && first !== 'run' && !ownCommands.includes(first))
    return first in scripts ? undefined : first;
  if (program === 'npx') return existsSync(join(root, 'node_modules/.bin', first)) ? undefined : first;
  return undefined;
}

/** Returns the first path in a command that does not exist. A path begins with a folder of the workspace. */
function missingPath(words: string[]): string | undefined {
  const paths = words.filter((word) => /^(apps|libs|scripts|tests|docs|k8s)\/[\w./-]+$/.test(word));
  return paths.find((path) => !existsSync(join(root, path)));
}
