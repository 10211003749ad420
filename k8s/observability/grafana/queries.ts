import type { Dashboard } from './panels.ts';

export type PanelQuery = { dashboard: string; row: string; panel: string; expr: string };

/** What Grafana puts into a query before it asks; PromQL durations. */
export type Variables = { rateInterval: string; range: string };

/** Every query of some dashboards, as Prometheus is asked. */
export function panelQueries(dashboards: Dashboard[], { rateInterval, range }: Variables): PanelQuery[] {
  const substituted = (expr: string) =>
    expr.replaceAll('$__rate_interval', rateInterval).replaceAll('$__range', range);
  return dashboards.flatMap(({ uid, rows }) =>
    rows.flatMap(({ title, panels }) =>
      panels.flatMap((panel) =>
        panel.queries.map(({ expr }) => ({
          ...{ dashboard: uid, row: title, panel: panel.title },
          expr: substituted(expr),
        })),
      ),
    ),
  );
}
