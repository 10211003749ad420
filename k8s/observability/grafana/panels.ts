/** The few kinds of panel that the dashboards are made of, in plain objects; `render.ts` turns them into Grafana's. */

/** Grafana's ids of units. @see https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts */
export type Unit = 'reqps' | 'cps' | 's' | 'percentunit' | 'bytes' | 'short' | 'none' | 'dateTimeFromNow';

export type Query = {
  expr: string;
  /** What a series is called: text with `{{label}}`. */
  legend: string;
  /** Show the traces that Prometheus keeps beside the samples. */
  exemplars?: boolean;
  /** Of its column in a table, where that is not the panel's. */
  unit?: Unit;
};

/** From `above` on a value has this colour. */
export type Step = { above: number; color: 'green' | 'yellow' | 'orange' | 'red' };

export type Options = {
  /** What the panel shows, and how to read it: one or two sentences. */
  help: string;
  /** Columns of 24. */
  width?: number;
  /** Fixed end of the scale. A graph begins at 0: all that is shown here is counted. */
  max?: number;
  /** Colours, and lines in a graph; the first step begins at the lowest value. */
  steps?: Step[];
  /** The page in docs/runbooks/ that tells what to do, without its extension. */
  runbook?: string;
  stacked?: boolean;
  /** What numbers are called, for states. */
  names?: Record<number, { text: string; color: string }>;
};

export type Panel = Options & {
  kind: 'graph' | 'stat' | 'states' | 'table' | 'heatmap' | 'alerts';
  title: string;
  unit: Unit;
  queries: Query[];
};

export type Row = { title: string; panels: Panel[] };

export type Dashboard = {
  /** Its address in Grafana and its file name. */
  uid: string;
  title: string;
  help: string;
  rows: Row[];
};

/**
 * A query and the name of its series.
 *
 * @example
 * query('sum by (service) (rate(http_server_request_duration_seconds_count[$__rate_interval]))', '{{service}}');
 */
export const query = (expr: string, legend: string): Query => ({
  expr: expr.replace(/\s+/g, ' ').trim(),
  legend,
});

/** Like `query`, with a dot for each trace that was kept: a click leads to it. */
export const withTraces = (expr: string, legend: string): Query => ({
  ...query(expr, legend),
  exemplars: true,
});

const panel =
  (kind: Panel['kind'], width: number) =>
  (title: string, unit: Unit, queries: Query | Query[], options: Options): Panel => ({
    ...{ kind, title, unit, queries: [queries].flat(), width },
    ...options,
  });

/** Values over time. */
export const graph = panel('graph', 8);
/** The present value of each series, large. */
export const stat = panel('stat', 4);
/** The states of each series over time, as coloured bars. */
export const states = panel('states', 12);
/** The present values: a row for each set of labels, a column for each query. */
export const table = panel('table', 24);
/** How many requests took how long, over time. The query gives the rates of buckets by `le`. */
export const heatmap = panel('heatmap', 12);
/** The alerts that fire now. */
export const alerts = (title: string, options: Options): Panel =>
  panel('alerts', 12)(title, 'none', [], options);

export const row = (title: string, ...panels: Panel[]): Row => ({ title, panels });

/** More is worse: green, then yellow, then red. */
export const worseAbove = (yellow: number, red: number): Step[] => [
  { above: Number.NEGATIVE_INFINITY, color: 'green' },
  { above: yellow, color: 'yellow' },
  { above: red, color: 'red' },
];

/** Less is worse: red up to one value, then yellow up to another, then green. */
export const worseBelow = (yellow: number, green = yellow): Step[] => [
  { above: Number.NEGATIVE_INFINITY, color: 'red' },
  ...(yellow < green ? [{ above: yellow, color: 'yellow' as const }] : []),
  { above: green, color: 'green' },
];

export const yesNo = { 0: { text: 'no', color: 'red' }, 1: { text: 'yes', color: 'green' } };
