import type { Dashboard, Panel, Query, Step } from './panels.ts';

/** Converts a dashboard to the JSON model of Grafana 12. @see https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ */

const prometheus = { type: 'prometheus', uid: 'prometheus' };
const height = 8;
const columns = 24;

type Placed = Record<string, unknown> & { gridPos: { x: number; y: number; w: number; h: number } };

/** Renders a dashboard as the content of its file: one line per panel, so that diffs are readable. */
export function render(dashboard: Dashboard): string {
  return `${JSON.stringify(model(dashboard)).replaceAll('{"id":', '\n{"id":')}\n`;
}

function model({ uid, title, help, rows }: Dashboard): object {
  return {
    uid,
    title,
    description: help,
    tags: ['slipway'],
    schemaVersion: 41,
    version: 1,
    editable: false,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    links: [
      {
        title: 'Dashboards',
        type: 'dashboards',
        tags: ['slipway'],
        asDropdown: true,
        keepTime: true,
        ...inPlace,
      },
      {
        title: 'Traces',
        type: 'link',
        icon: 'external link',
        url: explore('zipkin'),
        keepTime: true,
        ...inPlace,
      },
    ],
    templating: { list: [docs] },
    annotations: { list: [deployments] },
    panels: layOut(rows),
  };
}

const inPlace = { targetBlank: false, includeVars: false };

/** The address of docs/ for a browser. Replace it with that of your own repository. */
const docs = {
  name: 'docs',
  type: 'constant',
  label: 'Address of docs/',
  query: 'https://github.com/your-organisation/slipway/blob/main/docs',
  current: {
    text: 'https://github.com/your-organisation/slipway/blob/main/docs',
    value: 'https://github.com/your-organisation/slipway/blob/main/docs',
  },
  hide: 2,
};

/** Marks the start of each process in every graph, because most changes of behaviour begin there. */
const deployments = {
  name: 'Starts',
  datasource: prometheus,
  enable: true,
  iconColor: 'blue',
  expr: 'changes(process_start_time_seconds{job="slipway"}[1m]) > 0',
  titleFormat: '{{service}} started',
  textFormat: '{{instance}}',
  step: '30s',
};

function explore(datasource: string): string {
  const pane = { datasource, queries: [{ refId: 'A', queryType: 'traceID', query: '' }] };
  return `/explore?schemaVersion=1&orgId=1&panes=${encodeURIComponent(JSON.stringify({ a: pane }))}`;
}

/** Places panels from left to right, as many as fit. A row begins a new line. */
function layOut(rows: Dashboard['rows']): Placed[] {
  const placed: Placed[] = [];
  let [x, y] = [0, 0];
  for (const { title, panels } of rows) {
    const gridPos = { x: 0, y, w: columns, h: 1 };
    placed.push({ id: placed.length + 1, type: 'row', title, collapsed: false, panels: [], gridPos });
    [x, y] = [0, y + 1];
    for (const panel of panels) {
      const w = panel.width ?? columns;
      if (x + w > columns) [x, y] = [0, y + height];
      placed.push({ id: placed.length + 1, gridPos: { x, y, w, h: height }, ...renderPanel(panel) });
      x += w;
    }
    y += height;
  }
  return placed;
}

const types = {
  graph: 'timeseries',
  stat: 'stat',
  states: 'state-timeline',
  table: 'table',
  heatmap: 'heatmap',
  alerts: 'alertlist',
} as const;

function renderPanel(panel: Panel): object {
  const { kind, title, help, queries, runbook } = panel;
  return {
    type: types[kind],
    title,
    description: help,
    ...(kind !== 'alerts' && { datasource: prometheus }),
    targets: queries.map((query, index) => target(query, index, kind)),
    fieldConfig: { defaults: fieldDefaults(panel), overrides: columnUnits(panel) },
    options: options(panel),
    ...(kind === 'table' && { transformations: columnsOf(queries) }),
    links: runbook
      ? [{ title: `Runbook: ${runbook}`, url: `\${docs}/runbooks/${runbook}.md`, targetBlank: true }]
      : [],
  };
}

/** Grafana names the columns by the letters of their queries if there are several. */
const columnOf = (index: number, queries: Query[]) =>
  queries.length === 1 ? 'Value' : `Value #${letterOf(index)}`;

const letterOf = (index: number) => String.fromCharCode(65 + index);

function columnsOf(queries: Query[]): object[] {
  const names = queries.map(({ legend }, index) => [columnOf(index, queries), legend]);
  const organize = { excludeByName: { Time: true }, renameByName: Object.fromEntries(names) };
  return [
    { options: {}, id: 'merge' },
    { options: organize, id: 'organize' },
  ];
}

function columnUnits({ kind, queries }: Panel): object[] {
  if (kind !== 'table') return [];
  return queries.flatMap(({ legend, unit }) =>
    unit ? [{ matcher: { options: legend, id: 'byName' }, properties: [{ value: unit, id: 'unit' }] }] : [],
  );
}

function target({ expr, legend, exemplars = false }: Query, index: number, kind: Panel['kind']): object {
  const isTable = kind === 'table';
  return {
    refId: letterOf(index),
    datasource: prometheus,
    editorMode: 'code',
    expr,
    legendFormat: legend,
    exemplar: exemplars,
    instant: isTable || kind === 'stat',
    range: !(isTable || kind === 'stat'),
    format: isTable ? 'table' : kind === 'heatmap' ? 'heatmap' : 'time_series',
  };
}

function fieldDefaults({ kind, unit, max, steps, names, stacked }: Panel): object {
  const graphed = { drawStyle: 'line', lineWidth: 1, fillOpacity: stacked ? 25 : 5, showPoints: 'never' };
  return {
    unit,
    ...(kind === 'graph' && { min: 0 }),
    ...(max !== undefined && { max }),
    color: { mode: kind === 'graph' ? 'palette-classic' : 'thresholds' },
    thresholds: { mode: 'absolute', steps: (steps ?? [{ above: -Infinity, color: 'green' }]).map(toStep) },
    mappings: names ? [{ type: 'value', options: valueNames(names) }] : [],
    ...(kind === 'graph' && {
      custom: {
        ...graphed,
        spanNulls: false,
        stacking: { mode: stacked ? 'normal' : 'none' },
        thresholdsStyle: { mode: steps ? 'line' : 'off' },
      },
    }),
  };
}

/** Grafana writes the lowest step as `null`. */
function toStep({ above, color }: Step): object {
  return { value: Number.isFinite(above) ? above : null, color };
}

function valueNames(names: NonNullable<Panel['names']>): object {
  const entries = Object.entries(names).map(([value, name], index) => [value, { ...name, index }]);
  return Object.fromEntries(entries);
}

function options({ kind, steps, unit }: Panel): object {
  switch (kind) {
    case 'graph':
      return {
        legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
        tooltip: { mode: 'multi', sort: 'desc' },
      };
    case 'stat':
      return {
        colorMode: steps ? 'background' : 'none',
        graphMode: 'none',
        textMode: 'value_and_name',
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      };
    case 'states':
      return { showValue: 'never', mergeValues: true, rowHeight: 0.8, legend: { displayMode: 'list' } };
    case 'table':
      return { showHeader: true, cellHeight: 'sm' };
    case 'heatmap':
      return {
        calculate: false,
        yAxis: { unit },
        color: { mode: 'scheme', scheme: 'Oranges', steps: 64 },
        cellGap: 1,
        tooltip: { mode: 'single', yHistogram: true },
        exemplars: { color: 'rgba(255,0,255,0.7)' },
      };
    case 'alerts':
      return {
        alertInstanceLabelFilter: '',
        datasource: 'Prometheus',
        groupMode: 'default',
        stateFilter: { firing: true, pending: true, noData: false, normal: false, error: true },
        viewMode: 'list',
      };
  }
}
