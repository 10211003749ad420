import { readFileSync, writeFileSync } from 'node:fs';
import { settings as billing } from '@slipway/billing/config';
import { settings as gateway } from '@slipway/gateway/config';
import { platformSettings } from '@slipway/platform/service/settings';
import { settings as reporting } from '@slipway/reporting/config';
import { settings as users } from '@slipway/users/config';
import { describe, expect, it } from 'vitest';
import { errorTable, settingsTable } from './tables.ts';

/**
 * Each table of the documentation that the code knows better stands between two marks. The test compares it;
 * `UPDATE_DOCS=1 npx vitest run --dir tests/docs tables` writes it.
 */
const tables: [page: string, name: string, text: string][] = [
  ['errors', 'errors', errorTable()],
  ['settings', 'platform', settingsTable(platformSettings)],
  ['settings', 'gateway', settingsTable(gateway, true)],
  ['settings', 'users', settingsTable(users, true)],
  ['settings', 'billing', settingsTable(billing, true)],
  ['settings', 'reporting', settingsTable(reporting, true)],
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
