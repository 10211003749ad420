import { type OpenMetricsContentType, Registry } from 'prom-client';

/** The metrics as text, and its media type. */
export type Exposition = { contentType: string; text: string };

/**
 * Writes metrics in the format that the client accepts: OpenMetrics, the only one with exemplars, or else the text
 * format of Prometheus.
 *
 * @param accept the client's `Accept` header; Prometheus accepts both formats and prefers OpenMetrics
 * @see https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 */
export async function expose(
  registry: Registry,
  defaultLabels: Record<string, string>,
  accept = '',
): Promise<Exposition> {
  const source = accept.includes('application/openmetrics-text')
    ? openMetricsOf(registry, defaultLabels)
    : registry;
  return { contentType: source.contentType, text: await source.metrics() };
}

/**
 * Copies the metrics into an OpenMetrics registry. That registry permanently removes `_total` from the names of
 * counters, so it gets objects that inherit from the metrics, and the metrics themselves are not renamed.
 */
function openMetricsOf(registry: Registry, defaultLabels: Record<string, string>) {
  const view = new Registry<OpenMetricsContentType>();
  view.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  view.setDefaultLabels(defaultLabels);
  for (const metric of registry.getMetricsAsArray()) view.registerMetric(Object.create(metric));
  return view;
}
