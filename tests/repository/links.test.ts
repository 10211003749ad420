import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchorsOf, linksOf, pages, root } from './markdown.ts';

describe('the links between the files of the repository', () => {
  const links = pages.flatMap(linksOf);

  it('lead to files and folders that exist', () => {
    expect(links.length).toBeGreaterThan(300);
    expect(links.filter(({ to }) => !existsSync(join(root, to)))).toEqual([]);
  });

  it('name headings that exist', () => {
    const anchored = links.filter(({ to, anchor }) => anchor !== '' && to.endsWith('.md'));
    expect(anchored.length).toBeGreaterThan(10);
    const anchors = new Map([...new Set(anchored.map(({ to }) => to))].map((to) => [to, anchorsOf(to)]));
    expect(anchored.filter(({ to, anchor }) => !anchors.get(to)?.includes(anchor))).toEqual([]);
  });
});

describe('the practices', () => {
  const page = readFileSync(join(root, 'docs/practices.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (\d+)\.(\d+) [^|]+ \| (yes|differently|no) \| (.+) \|$/gm)];

  it('are all of the list of 2026, each once and in order', () => {
    const sizes = [6, 13, 13, 13, 19, 27, 2, 15];
    const numbers = sizes.flatMap((size, chapter) =>
      Array.from({ length: size }, (_, index) => `${chapter + 1}.${index + 1}`),
    );
    expect(rows.map(([, chapter, number]) => `${chapter}.${number}`)).toEqual(numbers);
  });

  it('that are followed link the file that shows it', () => {
    const withoutLink = rows.filter(([, , , answer, why = '']) => answer === 'yes' && !why.includes(']('));
    expect(withoutLink.map(([row]) => row)).toEqual([]);
  });
});
