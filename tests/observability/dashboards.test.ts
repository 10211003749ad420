import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dashboards } from '../../k8s/observability/grafana/dashboards.ts';
import { panelQueries } from '../../k8s/observability/grafana/queries.ts';
import { render } from '../../k8s/observability/grafana/render.ts';

const root = new URL('../../', import.meta.url);
const grafana = new URL('k8s/observability/grafana/', root);
const read = (path: string) => readFileSync(new URL(path, grafana), 'utf8');

type Json = Record<string, unknown>;
type PanelModel = Json & {
  id: number;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
};

const models = dashboards.map(
  (dashboard) => JSON.parse(render(dashboard)) as Json & { panels: PanelModel[] },
);
const queries = panelQueries(dashboards, { rateInterval: '2m', range: '5m' });
const panels = dashboards.flatMap(({ rows }) => rows.flatMap((row) => row.panels));

describe('the dashboards', () => {
  it('are in their files as the code makes them: `node k8s/observability/grafana/build.ts`', () => {
    const files = dashboards.map(({ uid }) => `${uid}.json`);
    expect(readdirSync(new URL('dashboards/', grafana)).sort()).toEqual(files.sort());
    for (const dashboard of dashboards) {
      expect(read(`dashboards/${dashboard.uid}.json`), dashboard.uid).toBe(render(dashboard));
    }
  });

  it('ask data sources that are provisioned', () => {
    const { datasources } = parse(read('provisioning/datasources/datasources.yml'));
    const provisioned = datasources.map(({ uid }: { uid: string }) => uid);
    const asked = JSON.stringify(models).matchAll(/"datasource":\{"type":"\w+","uid":"(\w+)"\}/g);
    for (const [, uid] of asked) expect(provisioned).toContain(uid);
    expect(provisioned).toEqual(['prometheus', 'zipkin', 'alertmanager']);
  });

  it('show every metric of docs/metrics.md, but one that is only to be looked up', () => {
    const page = readFileSync(new URL('docs/metrics.md', root), 'utf8');
    const metrics = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = '']) => name);
    expect(metrics.length).toBeGreaterThan(20);
    const asked = queries.map(({ expr }) => expr).join('\n');
    const shown = (name: string) => new RegExp(`\\b${name}(_bucket|_sum|_count)?\\b`).test(asked);
    expect(metrics.filter((name) => !shown(name))).toEqual(['otel_spans_exported_total']);
  });

  it('have a data source that knows how often Prometheus scrapes, and where the trace of a request is', () => {
    const { datasources } = parse(read('provisioning/datasources/datasources.yml'));
    const { global } = parse(read('../prometheus/prometheus.yml'));
    expect(datasources[0]).toMatchObject({
      uid: 'prometheus',
      jsonData: {
        timeInterval: global.scrape_interval,
        exemplarTraceIdDestinations: [{ name: 'trace_id', datasourceUid: 'zipkin' }],
      },
    });
  });

  it('have panels that overlap none and fit the width', () => {
    for (const { uid, panels } of models) {
      expect(new Set(panels.map(({ id }) => id)).size, String(uid)).toBe(panels.length);
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
        expect(x + w).toBeLessThanOrEqual(24);
        return Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`);
      });
      expect(new Set(cells).size, String(uid)).toBe(cells.length);
    }
  });

  it('lead to runbooks that exist', () => {
    for (const { title, runbook } of panels) {
      if (!runbook) continue;
      expect(existsSync(new URL(`docs/runbooks/${runbook}.md`, root)), `${title}: ${runbook}`).toBe(true);
    }
  });

  it('show each page of one service by the same template', () => {
    const titles = (name: string) =>
      dashboards.find(({ uid }) => uid === `slipway-${name}`)?.rows.map(({ title }) => title);
    expect(titles('billing')).toEqual(titles('users'));
    expect(titles('gateway')).toEqual(titles('users')?.slice(0, 4));
  });
});

describe('the queries of the panels', () => {
  it.each(queries)('take the rate of what only grows, and of nothing else: $expr', ({ expr }) => {
    const rated = [...expr.matchAll(/(?:rate|increase)\((\w+)/g)].map(([, metric]) => metric);
    for (const metric of rated) expect(metric).toMatch(/_(total|count|sum|bucket)$/);
    const unrated = expr.replaceAll(/(rate|increase)\(("[^"]*"|[^()"])*\)/g, '');
    expect(unrated).not.toMatch(/\w_(total|bucket|count|sum)\b/);
  });

  it('add up buckets by `le` before they take a quantile', () => {
    for (const { expr } of queries) {
      for (const [, quantile, inner] of expr.matchAll(/histogram_quantile\((\S+), (.*)/g)) {
        expect(Number(quantile)).toBeLessThanOrEqual(0.99);
        expect(inner).toMatch(/^sum by \([^)]*\ble\b[^)]*\) \(rate\(/);
      }
    }
  });
});
