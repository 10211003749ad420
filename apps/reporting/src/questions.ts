import { readdirSync, readFileSync } from 'node:fs';

/** A question about the exported events, in SQL that DuckDB and Spark answer alike. */
export type Question = {
  /** The name of its file, without `.sql`. */
  name: string;
  /** The question as a sentence. */
  title: string;
  sql: string;
  chart: Chart;
};

/** A picture of the answer: one bar of the column `value` for each `label`, in groups of bars for `series`. */
export type Chart = { value: string; label: string; series: string[] };

/** The folder of the questions. This file lies one folder below the service, in the sources as in a bundle. */
const folder = new URL('../analytics/', import.meta.url);

/** Returns all questions, sorted by name. */
export function loadQuestions(): Question[] {
  return sqlIn(folder).map(({ name, text }) => ({ name, ...headOf(text), sql: text.trim() }));
}

/** Returns the views that the questions read, beside `events`: statements without their semicolons, in order. */
export function loadViews(): string[] {
  return sqlIn(new URL('views/', folder)).flatMap(({ text }) =>
    text
      .split(/;\s*$/m)
      .map((statement) => statement.trim())
      .filter((statement) => statement !== ''),
  );
}

function sqlIn(from: URL): { name: string; text: string }[] {
  return readdirSync(from)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({
      name: file.slice(0, -'.sql'.length),
      text: readFileSync(new URL(file, from), 'utf8'),
    }));
}

/** Reads the comment at the top of a file: sentences, and a line such as `Chart: net by month, for each plan_id`. */
function headOf(text: string): Pick<Question, 'title' | 'chart'> {
  const lines = /^(-- .*\n)+/.exec(text)?.[0].replace(/^-- /gm, '').trimEnd().split('\n') ?? [];
  const line = lines.pop() ?? '';
  const [, value, label, series = ''] = /^Chart: (\w+) by (\w+)(?:, for each (.+))?$/.exec(line) ?? [];
  if (!value || !label) throw new Error(`A question needs a last comment line "Chart: …", not ${line}`);
  return { title: lines.join(' '), chart: { value, label, series: series.split(' and ').filter(Boolean) } };
}
