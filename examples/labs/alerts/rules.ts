/** The rules of k8s/observability/prometheus/rules, evaluated against series in memory. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse as parseYaml } from 'yaml';
import { evaluate, type Sample, unnamed } from './evaluate.ts';
import { parse, secondsOf } from './promql.ts';
import { keyOf, type Labels, type SeriesStore } from './series.ts';

type Written = {
  record?: string;
  alert?: string;
  expr: string;
  for?: string;
  labels?: Labels;
  annotations?: { summary: string; runbook_url: string };
};

export type Alert = { state: 'pending' | 'firing'; labels: Labels; summary: string; runbook: string };

const folder = fileURLToPath(new URL('../../../k8s/observability/prometheus/rules/', import.meta.url));

/** All rules, in the order of the files. */
export const allRules: Written[] = globSync(`${folder}*.yml`)
  .sort()
  .flatMap((file) => (parseYaml(readFileSync(file, 'utf8')) as { groups: { rules: Written[] }[] }).groups)
  .flatMap(({ rules }) => rules);

/** The names of the metrics in the rules that are not recorded by another rule. */
export const metricNames = new Set(
  allRules.flatMap(
    ({ expr }) => expr.replaceAll(/"[^"]*"/g, '').match(/(?<![\w:])[a-z_]+(?![\w:]|\s*\()/g) ?? [],
  ),
);

/** Divides all ranges of an expression. */
function faster(expression: ReturnType<typeof parse>, factor: number): ReturnType<typeof parse> {
  return JSON.parse(JSON.stringify(expression), (key, value) => (key === 'range' ? value / factor : value));
}

/**
 * Returns a function that evaluates all recording rules and one alert at a time, in seconds.
 *
 * @param factor by which all ranges, and the time for which the alert must hold, are shorter than in the file
 */
export function createAlert(name: string, store: SeriesStore, factor = 1): (at: number) => Alert[] {
  const compile = (rule: Written) => ({ ...rule, expression: faster(parse(rule.expr), factor) });
  const records = allRules.filter(({ record }) => record).map(compile);
  const rules = allRules.filter(({ alert }) => alert === name).map(compile);
  if (rules.length === 0) throw new Error(`There is no alert ${name} in k8s/observability/prometheus/rules`);
  const recorded = records.map(() => new Map<string, Labels>());
  const since = rules.map(() => new Map<string, number>());

  function record(at: number): void {
    for (const [n, { record: metric = '', expression }] of records.entries()) {
      const before = recorded[n] ?? new Map();
      const now = new Map<string, Labels>();
      for (const { labels, value } of evaluate(expression, store, at)) {
        const named = { ...unnamed(labels), __name__: metric };
        store.add(named, at, value);
        now.set(keyOf(named), named);
      }
      for (const [key, labels] of before) if (!now.has(key)) store.add(labels, at, undefined);
      recorded[n] = now;
    }
  }

  return (at) => {
    record(at);
    return rules.flatMap((rule, n) => {
      const active = evaluate(rule.expression, store, at);
      const before = since[n] ?? new Map<string, number>();
      since[n] = new Map(
        active.map((sample) => [keyOf(sample.labels), before.get(keyOf(sample.labels)) ?? at]),
      );
      const wait = secondsOf(rule.for ?? '0s') / factor;
      return active.map((sample) => {
        const isFiring = at - (since[n]?.get(keyOf(sample.labels)) ?? at) >= wait;
        return alertOf(rule, sample, isFiring ? 'firing' : 'pending');
      });
    });
  };
}

function alertOf({ labels = {}, annotations }: Written, sample: Sample, state: Alert['state']): Alert {
  const own = unnamed(sample.labels);
  const fill = (text: string) =>
    text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label) => own[label] ?? '');
  const added = Object.entries(labels).map(([label, text]) => [label, fill(text)]);
  return {
    state,
    labels: { ...own, ...Object.fromEntries(added) },
    summary: fill(annotations?.summary ?? ''),
    runbook: annotations?.runbook_url ?? '',
  };
}
