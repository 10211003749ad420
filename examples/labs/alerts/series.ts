import type { Matcher } from './promql.ts';

export type Labels = Record<string, string>;

/** A value at a time in seconds; no value when the series ended, as Prometheus' stale marker says it. */
type Point = { at: number; value: number | undefined };
export type Series = { labels: Labels; points: Point[] };

/** Series in memory, as the database of Prometheus has them on disk. */
export type SeriesStore = {
  /** Adds a value; without one, the series ends here. */
  add(labels: Labels, at: number, value: number | undefined): void;
  find(matchers: Matcher[]): Series[];
};

export function createSeriesStore(): SeriesStore {
  const byName = new Map<string, Map<string, Series>>();
  return {
    add(labels, at, value) {
      const { __name__: name = '' } = labels;
      const named = byName.get(name) ?? new Map<string, Series>();
      byName.set(name, named);
      const key = keyOf(labels);
      const series = named.get(key) ?? { labels, points: [] };
      named.set(key, series);
      series.points.push({ at, value });
    },
    find(matchers) {
      const name = matchers.find(({ label }) => label === '__name__')?.value ?? '';
      const all = [...(byName.get(name)?.values() ?? [])];
      return all.filter(({ labels }) => matchers.every((matcher) => matches(labels, matcher)));
    },
  };
}

/** A text that is equal for equal labels, whatever their order. */
export function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function matches(labels: Labels, { label, operator, value }: Matcher): boolean {
  const actual = labels[label] ?? '';
  const isEqual = operator.endsWith('~') ? new RegExp(`^(?:${value})$`).test(actual) : actual === value;
  return operator.startsWith('!') ? !isEqual : isEqual;
}

const line = /^(\w+)(?:\{(.*?)\})? (\S+)/gm;

/** Reads the text of /metrics: the series of the metrics that are asked for, each with its value. */
export function parseMetrics(text: string, names: Set<string>): [Labels, number][] {
  const samples = [...text.matchAll(line)].filter(([, name = '']) => names.has(name));
  return samples.map(([, name = '', labels = '', value]) => {
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label, text]);
    return [{ ...Object.fromEntries(pairs), __name__: name }, Number(value)];
  });
}
