import type { Metrics } from '../telemetry/metrics.ts';

/** Returns the value of one time series as it is scraped, such as `..._count`; `undefined` if it does not exist. */
export async function seriesValue(
  { registry }: Metrics,
  name: string,
  labels: Record<string, string> = {},
): Promise<number | undefined> {
  const metrics = await registry.getMetricsAsJSON();
  const values = metrics.flatMap((metric) =>
    metric.values.map((value) => ({ metricName: metric.name, ...value })),
  );
  const matches = (series: Record<string, unknown>) =>
    Object.entries(labels).every(([label, value]) => series[label] === value);
  return values.find((value) => value.metricName === name && matches(value.labels))?.value;
}
