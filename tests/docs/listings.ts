import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './decisions.ts';
import type { Fence } from './fences.ts';

/**
 * Returns whether a listing is in the file that it names: at the named lines, as in `libs/x.ts#L3-L12`, or anywhere. In
 * the latter, a line `// …` stands for lines that the listing leaves out.
 */
export function isPartOf({ attributes, text }: Fence): boolean {
  const [path = '', from, to = from] = (attributes.file ?? '').split(/#L|-L/);
  const source = readFileSync(join(root, path), 'utf8');
  if (from === undefined) return inOrder(text.split(/^ *\/\/ …\n/m), `\n${source}`);
  const lines = source.split('\n').slice(Number(from) - 1, Number(to));
  return text === `${lines.join('\n')}\n`;
}

function inOrder(parts: string[], source: string): boolean {
  let end = 0;
  return parts.every((part) => {
    const start = source.indexOf(`\n${part}`, end);
    end = start + part.length;
    return start >= 0;
  });
}
