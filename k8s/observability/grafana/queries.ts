import type { Dashboard } from './panels.ts';

export type PanelQuery = { dashboard: string; row: string; panel: string; expr: string };

/** The variables that Grafana replaces in a query; PromQL durations. */
export type Variables = { rateInterval: string; range: string };

/** Every query of the dashboards, as Prometheus receives it. */
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
