import { expect, it } from 'vitest';
import { toSvg } from './chart.ts';
import type { Table } from './duckdb.ts';

const chart = { value: 'net', label: 'month', series: ['plan_id'] };
const table = (rows: Table['rows']): Table => ({
  columns: [
    { name: 'month', type: 'VARCHAR' },
    { name: 'plan_id', type: 'VARCHAR' },
    { name: 'net', type: 'DECIMAL(38,0)' },
  ],
  rows,
});
const barsIn = (svg: string) =>
  [...svg.matchAll(/y="(\S+)" width="\S+" height="(\S+)" fill="(#\w+)"><title>(.*?)</g)].map(
    ([, y, height, colour, title]) => ({ y: Number(y), height: Number(height), colour, title }),
  );

it('has a bar for each value, from a line at 0', () => {
  const svg = toSvg(
    'Revenue',
    chart,
    table([
      ['2026-03', 'pro', 50n],
      ['2026-03', 'basic', 100n],
      ['2026-04', 'pro', -100n],
    ]),
  );
  const [half, whole, negative] = barsIn(svg);
  expect([half?.title, whole?.title, negative?.title]).toEqual([
    '2026-03 pro: 50',
    '2026-03 basic: 100',
    '2026-04 pro: -100',
  ]);
  expect(whole?.height).toBeCloseTo(2 * (half?.height ?? 0), 0);
  expect(negative?.y).toBeCloseTo((whole?.y ?? 0) + (whole?.height ?? 0), 0);
  expect(half?.colour).toBe(negative?.colour);
  expect(half?.colour).not.toBe(whole?.colour);
});

it('says how much it leaves out', () => {
  const rows = Array.from({ length: 30 }, (_, n): Table['rows'][number] => [`m${n}`, 'pro', BigInt(n)]);
  const svg = toSvg('Revenue', chart, table(rows));
  expect(barsIn(svg)).toHaveLength(24);
  expect(svg).toContain('Drawn: the first 24 of 30 groups.');
});

it('escapes text, and is a picture without rows, too', () => {
  expect(toSvg('a < b & "c"', chart, table([]))).toContain('<title>a &lt; b &amp; &quot;c&quot;</title>');
  expect(toSvg('nothing', chart, table([]))).not.toContain('NaN');
});
