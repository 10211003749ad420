import { readFileSync, writeFileSync } from 'node:fs';
import { platformSettings } from '@slipway/platform/service/settings';
import { describe, expect, it } from 'vitest';
import { definitions } from '../support/definitions.ts';
import { errorTable, portsTable, settingsTable } from './tables.ts';

/**
 * Each table of the documentation that the code knows better stands between two marks. The test compares it;
 * `UPDATE_DOCS=1 npx vitest run --dir tests/docs tables` writes it.
 */
const tables: [page: string, name: string, text: string][] = [
  ['errors', 'errors', errorTable()],
  ['settings', 'platform', settingsTable(platformSettings)],
  ['settings', 'ports', portsTable()],
  ...Object.entries(definitions).map(([name, { settings }]): (typeof tables)[number] => [
    'settings',
    name,
    settingsTable(settings, true),
  ]),
];

describe('the documentation', () => {
  it.each(tables)('has in docs/%s.md the %s of the code', (page, name, text) => {
    const file = new URL(`../../docs/${page}.md`, import.meta.url);
    const written = readFileSync(file, 'utf8');
    const marks = new RegExp(`(<!-- ${name} -->\n).*?(<!-- /${name} -->)`, 's');
    expect(written).toMatch(marks);
    const right = written.replace(marks, (_all, open, close) => `${open}${text}\n${close}`);
    if (process.env.UPDATE_DOCS) writeFileSync(file, right);
    else expect(written).toBe(right);
  });
});
