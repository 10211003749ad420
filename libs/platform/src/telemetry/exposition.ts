import { type OpenMetricsContentType, Registry } from 'prom-client';

/** The metrics as text, and what it is. */
export type Exposition = { contentType: string; text: string };

/**
 * Writes metrics in the format that the reader asks for: OpenMetrics, which alone has exemplars, or else the text
 * format of Prometheus.
 *
 * @param accept the `Accept` header of the reader; Prometheus names both, and OpenMetrics first
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
 * The same metrics in a registry for OpenMetrics. That one takes `_total` off the name of a counter for good: it is
 * given objects that stand before the metrics, so that these keep their names.
 */
function openMetricsOf(registry: Registry, defaultLabels: Record<string, string>) {
  const view = new Registry<OpenMetricsContentType>();
  view.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  view.setDefaultLabels(defaultLabels);
  for (const metric of registry.getMetricsAsArray()) view.registerMetric(Object.create(metric));
  return view;
}
