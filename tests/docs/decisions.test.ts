import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { index, links, mentionedFiles, mentionedNumbers, pages, records, root } from './decisions.ts';

const paths = records.map(({ path }) => path);

describe('the decision records', () => {
  it('state a number of their own, a title, a status and a date', () => {
    expect(records.length).toBeGreaterThan(0);
    for (const { path, number, title, status, date } of records) {
      expect(path, 'the name begins with the number').toContain(`/${number}-`);
      expect(title, path).not.toBe('');
      expect(status, path).toMatch(/^(accepted|superseded by \[\d{4}\]\(\d{4}-[\w-]+\.md\))$/);
      expect(date, path).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    }
    const numbers = records.map(({ number }) => number);
    expect(numbers).toEqual([...new Set(numbers)]);
  });

  it('are all in the index once, with the title, the status and the date that they state', () => {
    const rows = readFileSync(join(root, index), 'utf8').matchAll(
      /^\| [^|]+ \| (\[\d{4}\].+) \| (.+) \| (.+) \|$/gm,
    );
    const indexed = [...rows].map(([, ...cells]) => cells.join(' | '));
    const stated = records.map(({ path, number, title, status, date }) => {
      const file = path.slice(`${dirname(path)}/`.length);
      return [`[${number}](${file}): ${title}`, status, date].join(' | ');
    });
    expect(indexed.sort()).toEqual(stated.sort());
  });

  it('are each linked from exactly one page beside the index', () => {
    const readersPages = pages.filter((page) => page !== index && !paths.includes(page));
    const all = links();
    const linking = paths.map((path) => [
      path,
      readersPages.filter((page) => all.some(({ from, to }) => from === page && to === path)),
    ]);
    expect(linking.filter(([, from]) => from?.length !== 1)).toEqual([]);
  });
});

describe('references', () => {
  it('in a page lead to a file or folder that exists', () => {
    const all = links();
    expect(all.length).toBeGreaterThan(paths.length);
    expect(all.filter(({ to }) => !existsSync(join(root, to)))).toEqual([]);
  });

  it('in sources, scripts and manifests name pages and records that exist', () => {
    const files = mentionedFiles();
    expect(files).not.toEqual([]);
    expect(files.filter(({ to }) => !existsSync(join(root, to)))).toEqual([]);
    const numbers = new Set(records.map(({ number }) => number));
    expect(mentionedNumbers().filter(({ number }) => !numbers.has(number))).toEqual([]);
  });
});
