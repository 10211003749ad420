/** The kinds of panels in the dashboards, as plain objects. `render.ts` converts them to Grafana's JSON. */

/** Grafana's unit ids. @see https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts */
export type Unit = 'reqps' | 'cps' | 's' | 'percentunit' | 'bytes' | 'short' | 'none' | 'dateTimeFromNow';

export type Query = {
  expr: string;
  /** Name of each series: text with `{{label}}`. */
  legend: string;
  /** Shows the traces that Prometheus stores with the samples. */
  exemplars?: boolean;
  /** Unit of its column in a table, if it differs from that of the panel. */
  unit?: Unit;
};

/** Values from `above` have this color. */
export type Step = { above: number; color: 'green' | 'yellow' | 'orange' | 'red' };

export type Options = {
  /** One or two sentences: what the panel shows, and how to read it. */
  help: string;
  /** Width in columns, of 24. */
  width?: number;
  /** Fixed maximum of the scale. Every graph begins at 0. */
  max?: number;
  /** Thresholds with colors, drawn as lines in a graph. The first step begins at the lowest value. */
  steps?: Step[];
  /** Name of the page in docs/runbooks/ without its extension. */
  runbook?: string;
  stacked?: boolean;
  /** Texts for the numbers of a state. */
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
  /** Its id in Grafana's addresses, and its file name. */
  uid: string;
  title: string;
  help: string;
  rows: Row[];
};

/**
 * Makes a query with a name for its series.
 *
 * @example
 * query('sum by (service) (rate(http_server_request_duration_seconds_count[$__rate_interval]))', '{{service}}');
 */
export const query = (expr: string, legend: string): Query => ({
  expr: expr.replace(/\s+/g, ' ').trim(),
  legend,
});

/** Like `query`, with a dot for each stored trace. A click on the dot opens the trace. */
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
/** The current value of each series, in large digits. */
export const stat = panel('stat', 4);
/** The state of each series over time, as colored bars. */
export const states = panel('states', 12);
/** Current values: one row per set of labels, one column per query. */
export const table = panel('table', 24);
/** The distribution of latencies over time. The query must return the rates of buckets by `le`. */
export const heatmap = panel('heatmap', 12);
/** The alerts that are firing. */
export const alerts = (title: string, options: Options): Panel =>
  panel('alerts', 12)(title, 'none', [], options);

export const row = (title: string, ...panels: Panel[]): Row => ({ title, panels });

/** Thresholds where a high value is bad: green, then yellow, then red. */
export const worseAbove = (yellow: number, red: number): Step[] => [
  { above: Number.NEGATIVE_INFINITY, color: 'green' },
  { above: yellow, color: 'yellow' },
  { above: red, color: 'red' },
];

/** Thresholds where a low value is bad: red, then yellow, then green. */
export const worseBelow = (yellow: number, green = yellow): Step[] => [
  { above: Number.NEGATIVE_INFINITY, color: 'red' },
  ...(yellow < green ? [{ above: yellow, color: 'yellow' as const }] : []),
  { above: green, color: 'green' },
];

export const yesNo = { 0: { text: 'no', color: 'red' }, 1: { text: 'yes', color: 'green' } };
