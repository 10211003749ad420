import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pages, root } from '../docs/decisions.ts';
import { allFences } from '../docs/fences.ts';
import { alertRules } from '../observability/rules.ts';
import { isLab } from './pages.ts';

const index = 'docs/labs/README.md';
const labs = pages.filter((page) => isLab(page) && page !== index);
const rows = [...readFileSync(join(root, index), 'utf8').matchAll(/^\| \d+\. \[[^\]]+\]\(([^)]+)\) .*$/gm)];
const steps = ['Break it', 'See it', 'The alert', 'The runbook', 'Repair it', 'Without the guard'];

it('the index has each lab once, in order', () => {
  expect(rows.map(([, file]) => `docs/labs/${file}`).sort()).toEqual(labs);
  expect(rows).toHaveLength(10);
});

describe.each(labs)('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8');
  const row = rows.find(([, file]) => page.endsWith(`/${file}`))?.[0] ?? '';

  it('has the six steps, each with a command that a test compares', () => {
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(steps);
    const lines = text.split('\n');
    const stepAt = (line: number) =>
      lines
        .slice(0, line)
        .findLast((each) => each.startsWith('## '))
        ?.slice(3);
    const compared = allFences.filter((fence) => fence.page === page && fence.prints.length > 0);
    const found = compared.map(({ at }) => stepAt(Number(at.split(':')[1])));
    expect([...new Set(found)]).toEqual(expect.arrayContaining(steps.slice(1)));
  });

  it('watches the alert and links the runbook that the index names', () => {
    const [name = ''] = text.match(/(?<=npm run -s alert -- )\w+/) ?? [];
    const rule = alertRules.find((each) => each.alert === name);
    expect(row).toContain(`| ${name} |`);
    expect(row).toContain(rule?.annotations.runbook_url.replace('docs/', '../'));
    expect(text).toContain(rule?.annotations.runbook_url.replace('docs/', '../'));
  });
});
