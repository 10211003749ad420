import { describe, expect, it } from 'vitest';
import { loadQuestions, loadViews } from './questions.ts';

const files = [
  ...loadQuestions(),
  ...loadViews().map((sql, index) => ({ name: `view ${index + 1}`, sql })),
].map(({ name, sql }) => ({ name, sql: withoutExactDivisions(sql.replace(/--.*$/gm, '')) }));

/** Removes the form of division that both engines agree on, as long as a quotient is less than 2^53. */
function withoutExactDivisions(sql: string): string {
  return sql.replace(/CAST\(\((\w+) - \1 % (\w+)\) \/ \2 AS BIGINT\)/g, '');
}

/**
 * SQL that DuckDB and Spark read differently, or that only one of them has. Most of it gives another answer without an
 * error, so it is rejected by its text: a pattern, and an example that the pattern finds.
 */
const differences: { what: string; pattern: RegExp; example: string; instead: string }[] = [
  {
    what: 'double quotes, which are text in Spark',
    pattern: /"/,
    example: 'SELECT "month"',
    instead: 'a name that needs none',
  },
  {
    what: 'backquotes, which DuckDB does not know',
    pattern: /`/,
    example: 'SELECT `month`',
    instead: 'a name',
  },
  { what: '::, which Spark reads only in newer versions', pattern: /::/, example: 'x::INT', instead: 'CAST' },
  { what: '//, which is DuckDB’s alone', pattern: /\/\//, example: 'a // b', instead: 'the form below' },
  { what: 'div, which is Spark’s alone', pattern: /\bdiv\b/i, example: 'a DIV b', instead: 'the form below' },
  {
    what: 'division, whose type and whose result for 0 differ',
    pattern: /\//,
    example: 'a / b',
    instead: 'CAST((a - a % b) / b AS BIGINT)',
  },
  {
    what: 'avg, whose type differs',
    pattern: /\bavg\s*\(/i,
    example: 'avg(amount)',
    instead: 'sum and count',
  },
  {
    what: 'concat, which differs for NULL',
    pattern: /\bconcat(_ws)?\s*\(/i,
    example: "concat(a, 'b')",
    instead: '||',
  },
  {
    what: 'regular expressions, whose dialects differ',
    pattern: /\b(regexp\w*|rlike|similar to)\b/i,
    example: "regexp_replace(a, 'b', 'c')",
    instead: 'substring',
  },
  {
    what: 'intervals, whose sum with a date has another type',
    pattern: /\binterval\b/i,
    example: 'day + INTERVAL 1 MONTH',
    instead: 'month_number',
  },
  {
    what: 'date_trunc, whose type differs',
    pattern: /\bdate_trunc\b/i,
    example: "date_trunc('month', day)",
    instead: 'month',
  },
  {
    what: 'at as a name, which is reserved in DuckDB',
    pattern: /\bat\b/i,
    example: 'SELECT at',
    instead: 'another',
  },
  {
    what: 'approximations and percentiles, whose rounding differs',
    pattern: /\b(approx\w*|percentile\w*|quantile\w*|median)\b/i,
    example: 'median(amount)',
    instead: 'row_number',
  },
  {
    what: 'a sum of integers, whose type differs',
    pattern: /\bsum\s*\(\s*(quantity|amount|price|records|\d+)\s*\)/i,
    example: 'sum(amount)',
    instead: 'sum(CAST(amount AS DECIMAL(38, 0)))',
  },
  {
    what: 'QUALIFY, ILIKE and lists',
    pattern: /\b(qualify|ilike|array\w*|list\w*|unnest|explode|pivot)\b/i,
    example: 'QUALIFY x = 1',
    instead: 'a subquery',
  },
];

/** Returns the sort keys without NULLS FIRST or NULLS LAST, which come first in one engine and last in the other. */
function keysWithoutNulls(sql: string): string[] {
  const lists = sql.match(/ORDER BY\s+[^\n]*?(?=\n|\)\s*AS\b|\)\s*,|\)\s*;|\);?$|$)/gi) ?? [];
  return lists.flatMap((list) =>
    list
      .replace(/^ORDER BY\s+/i, '')
      .split(/,(?![^()]*\))/)
      .filter((key) => !/NULLS (FIRST|LAST)\s*\)*$/i.test(key.trim())),
  );
}

describe('the questions', () => {
  it('have a sentence at their top, and end with an order of all rows', () => {
    expect(loadQuestions()).toHaveLength(7);
    for (const { title, sql } of loadQuestions()) {
      expect(title).toMatch(/^[A-Z].*\?/);
      expect(sql).toMatch(/\nORDER BY [^\n]+$/);
      expect(sql).not.toContain(';');
    }
  });

  it.each(differences)('and their views have no $what', ({ pattern, example }) => {
    expect(example).toMatch(pattern);
    for (const { name, sql } of files) expect(pattern.exec(sql)?.[0], name).toBeUndefined();
  });

  it('have no other division than the one that both engines agree on', () => {
    expect(withoutExactDivisions('CAST((a - a % b) / b AS BIGINT)')).toBe('');
    expect(withoutExactDivisions('CAST((a - a % c) / b AS BIGINT)')).toContain('/');
  });

  it('and their views say where NULL is sorted', () => {
    expect(keysWithoutNulls('ORDER BY month, abs(a, b) DESC NULLS LAST')).toEqual(['month']);
    expect(keysWithoutNulls('OVER (ORDER BY a NULLS LAST, b) AS c')).toHaveLength(1);
    for (const { name, sql } of files) expect(keysWithoutNulls(sql), name).toEqual([]);
  });
});
