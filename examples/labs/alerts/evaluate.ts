/** Evaluates expressions as Prometheus does: k8s/observability/prometheus/rules/tests gives both the same alerts. */
import type { Expression } from './promql.ts';
import { keyOf, type Labels, type Series, type SeriesStore } from './series.ts';

/** One element of a result: a series and its value. */
export type Sample = { labels: Labels; value: number };
type Value = number | Sample[];

/** A value counts for as long as this; seconds. A series that ended has none. */
const lookback = 300;

/** Returns the samples that an expression has at a time, in seconds. */
export function evaluate(expression: Expression, store: SeriesStore, at: number): Sample[] {
  const value = resultOf(expression, store, at);
  return typeof value === 'number' ? [{ labels: {}, value }] : value;
}

function resultOf(expression: Expression, store: SeriesStore, at: number): Value {
  switch (expression.type) {
    case 'number':
      return expression.value;
    case 'selector':
      return store.find(expression.matchers).flatMap((series) => {
        const last = series.points.findLast((point) => point.at <= at && point.at > at - lookback);
        return last?.value === undefined ? [] : [{ labels: series.labels, value: last.value }];
      });
    case 'function':
      return call(expression.name, expression.args, store, at);
    case 'aggregation':
      return aggregate(expression.name, expression.by, evaluate(expression.of, store, at));
    case 'binary': {
      const [left, right] = [expression.left, expression.right].map((side) => resultOf(side, store, at));
      return combine(expression.operator, left ?? [], right ?? []);
    }
  }
}

function call(name: string, args: Expression[], store: SeriesStore, at: number): Value {
  const [of = { type: 'number', value: 0 } as Expression, second] = args;
  if (name === 'time') return at;
  if (name === 'absent') return absent(of, store, at);
  if (name === 'clamp_min') {
    const min = second?.type === 'number' ? second.value : 0;
    return evaluate(of, store, at).map(({ labels, value }) => ({
      labels: unnamed(labels),
      value: Math.max(value, min),
    }));
  }
  const over = overTime[name];
  if (!over || of.type !== 'selector' || of.range === undefined) throw new Error(`Not known here: ${name}`);
  const range = of.range;
  return store.find(of.matchers).flatMap((series) => {
    const points = pointsIn(series, at - range, at);
    const value = points.length > 0 ? over(points, at, range) : undefined;
    return value === undefined ? [] : [{ labels: unnamed(series.labels), value }];
  });
}

function absent(of: Expression, store: SeriesStore, at: number): Sample[] {
  if (evaluate(of, store, at).length > 0) return [];
  const matchers = of.type === 'selector' ? of.matchers : [];
  const known = matchers.filter(({ label, operator }) => operator === '=' && label !== '__name__');
  return [{ labels: Object.fromEntries(known.map(({ label, value }) => [label, value])), value: 1 }];
}

type Known = { at: number; value: number };

function pointsIn({ points }: Series, after: number, until: number): Known[] {
  return points.filter(
    (point): point is Known => point.at > after && point.at <= until && point.value !== undefined,
  );
}

const overTime: Record<string, (points: Known[], at: number, range: number) => number | undefined> = {
  avg_over_time: (points) => points.reduce((sum, { value }) => sum + value, 0) / points.length,
  max_over_time: (points) => Math.max(...points.map(({ value }) => value)),
  changes: (points) => points.filter(({ value }, n) => n > 0 && value !== points[n - 1]?.value).length,
  increase,
  rate: (points, at, range) => {
    const whole = increase(points, at, range);
    return whole === undefined ? undefined : whole / range;
  },
};

/** The increase of a counter over a range. As in Prometheus, it is extrapolated to the ends of the range. */
function increase(points: Known[], at: number, range: number): number | undefined {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || first === last) return undefined;
  const resets = points.reduce((sum, { value }, n) => {
    const before = points[n - 1]?.value ?? 0;
    return value < before ? sum + before : sum;
  }, 0);
  const counted = last.value - first.value + resets;
  const sampled = last.at - first.at;
  const between = sampled / (points.length - 1);
  const limited = (gap: number) => (gap >= between * 1.1 ? between / 2 : gap);
  const toZero = counted > 0 ? sampled * (first.value / counted) : Number.POSITIVE_INFINITY;
  const toStart = Math.min(limited(first.at - (at - range)), toZero);
  return (counted * (sampled + toStart + limited(at - last.at))) / sampled;
}

function aggregate(name: string, by: string[], samples: Sample[]): Sample[] {
  const pick = ({ labels }: Sample) =>
    Object.fromEntries(by.filter((label) => labels[label]).map((label) => [label, labels[label] ?? '']));
  const groups = Object.values(Object.groupBy(samples, (sample) => keyOf(pick(sample))));
  return groups.map((group = []) => {
    const values = group.map(({ value }) => value);
    const sum = values.reduce((total, value) => total + value, 0);
    const value = name === 'sum' ? sum : name === 'max' ? Math.max(...values) : Math.min(...values);
    return { labels: pick(group[0] as Sample), value };
  });
}

const arithmetic: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};
const comparisons: Record<string, (a: number, b: number) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
};

function combine(operator: string, left: Value, right: Value): Value {
  if (typeof left === 'number' && typeof right === 'number') return arithmetic[operator]?.(left, right) ?? 0;
  if (operator === 'or' || operator === 'and' || operator === 'unless')
    return combineSets(operator, left as Sample[], right as Sample[]);
  // A pair for each element: a number is compared with all, a vector with the element of the same labels.
  const others = Array.isArray(right)
    ? new Map(right.map((sample) => [matchKey(sample), sample]))
    : undefined;
  const samples = Array.isArray(left) ? left : (right as Sample[]);
  return samples.flatMap((sample) => {
    const other = typeof right === 'number' ? right : others?.get(matchKey(sample))?.value;
    const one = typeof left === 'number' ? left : sample.value;
    if (other === undefined) return [];
    if (arithmetic[operator])
      return [{ labels: unnamed(sample.labels), value: arithmetic[operator](one, other) }];
    return comparisons[operator]?.(one, other) ? [sample] : [];
  });
}

function combineSets(operator: string, left: Sample[], right: Sample[]): Sample[] {
  const [lefts, rights] = [left, right].map((samples) => new Set(samples.map(matchKey)));
  if (operator === 'or') return [...left, ...right.filter((sample) => !lefts?.has(matchKey(sample)))];
  return left.filter((sample) => rights?.has(matchKey(sample)) === (operator === 'and'));
}

/** Elements match if they have the same labels; the name of the metric does not count. */
const matchKey = ({ labels }: Sample) => keyOf(unnamed(labels));

export function unnamed({ __name__: _, ...labels }: Labels): Labels {
  return labels;
}
