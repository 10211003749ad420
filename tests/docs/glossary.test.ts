import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const page = join(import.meta.dirname, '../../docs/glossary.md');
const rows = [...readFileSync(page, 'utf8').matchAll(/^\| ([^|]+) \| [^|]+ \| \[[^\]]+\]\(([^)]+)\) \|$/gm)];

it.each(rows.map(([, term = '', path = '']) => [term, path]))('uses the term %s in %s', (term, path) => {
  const file = join(dirname(page), path);
  const words = term.split(' ').join('[ _-]?');
  expect(`${path} ${readFileSync(file, 'utf8')}`).toMatch(new RegExp(words, 'i'));
});
