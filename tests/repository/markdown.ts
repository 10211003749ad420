/** The Markdown files of the repository, and the links in them. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/** Every Markdown file that git knows or would add. */
export const pages = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], { cwd: root })
  .toString()
  .trim()
  .split('\n');

/** A link from a page to a file of the repository, both as paths from its root. */
export type Link = { from: string; to: string; anchor: string };

/** A page without its blocks of code, in which nothing is a link or a heading. */
function proseOf(path: string): string {
  return readFileSync(join(root, path), 'utf8').replaceAll(/^```.*?^```/gms, '');
}

/** Every link of a page that does not lead to another site, of text and of pictures. */
export function linksOf(from: string): Link[] {
  const markdown = [...proseOf(from).matchAll(/\]\(([^)\s]+)\)/g)];
  const html = [...proseOf(from).matchAll(/\b(?:src|href)="([^"]+)"/g)];
  return [...markdown, ...html]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor = ''] = target.split('#');
      const to = path === '' ? from : relative(root, join(root, dirname(from), path));
      return { from, to, anchor };
    });
}

/** The anchors of a page: those of its headings, as GitHub makes them, and those that it names itself. */
export function anchorsOf(path: string): string[] {
  const text = proseOf(path);
  const named = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id);
  const seen = new Map<string, number>();
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => {
    const anchor = anchorOf(heading);
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
  return [...named, ...headings];
}

function anchorOf(heading: string): string {
  const shown = heading.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1');
  return shown
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}
