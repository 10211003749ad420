import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { table } from '../docs/tables.ts';
import { breaks } from './fixtures/breaks.ts';
import { promises, subjects } from './promises.ts';

const file = new URL('../../docs/conformance.md', import.meta.url);

/** The table of docs/conformance.md: `UPDATE_DOCS=1 npx vitest run --dir tests/conformance page` writes it. */
function promiseTable(): string {
  const rows = Object.entries(subjects).flatMap(([subject, list]) =>
    list.map(({ id, name }) => [
      `\`${id}\``,
      name,
      `[${subject}](../tests/conformance/promises/${subject}.ts)`,
      breaks[id] ?? '',
    ]),
  );
  return table(['id', 'a service …', 'checked in', 'broken if'], rows);
}

describe('docs/conformance.md', () => {
  it('has the promises of the suite, and what breaks each', () => {
    const written = readFileSync(file, 'utf8');
    const marks = /(<!-- promises -->\n).*?(<!-- \/promises -->)/s;
    expect(written).toMatch(marks);
    const right = written.replace(marks, (_all, open, close) => `${open}${promiseTable()}\n${close}`);
    if (process.env.UPDATE_DOCS) writeFileSync(file, right);
    else expect(written).toBe(right);
  });

  it('leaves out no promise, because a fixture breaks each of them', () => {
    expect(Object.keys(breaks)).toEqual(promises.map(({ id }) => id));
  });
});
