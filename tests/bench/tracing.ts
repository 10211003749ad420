import { startCollector } from './collector.ts';
import { compareCosts, costTable } from './compare.ts';
import { writeReport } from './report.ts';

/** The measured variants, with their names on the page. The number is the share of sampled traces. */
const variants = {
  bare: 'bare Fastify',
  ours0: '+ tracing of the platform, 0 %',
  ours10: '+ tracing of the platform, 10 %',
  ours100: '+ tracing of the platform, 100 %',
  stock0: '+ `instrumentation-http` and `@fastify/otel`, 0 %',
  stock10: '+ `instrumentation-http` and `@fastify/otel`, 10 %',
  stock100: '+ `instrumentation-http` and `@fastify/otel`, 100 %',
};
type Variant = keyof typeof variants;

/** CPU per request of tracing alone, its spans' way to Zipkin included: no metric, no log line. */
export async function tracing(): Promise<void> {
  const collector = await startCollector();
  try {
    const measured = await compareCosts({
      server: new URL('./tracing-server.ts', import.meta.url),
      variants: Object.keys(variants) as Variant[],
      env: (name) => settingsOf(name, collector.endpoint),
    });
    for (const name of ['ours10', 'ours100', 'stock10', 'stock100']) {
      if (!collector.spans.get(`/${name}`))
        throw new Error(`${name} has sent no span: its cost is not that of tracing`);
    }
    writeReport('tracing', costTable(variants, measured));
  } finally {
    collector.close();
  }
}

function settingsOf(name: Variant, endpoint: string): Record<string, string> {
  return {
    OTEL_TRACES_EXPORTER: 'zipkin',
    OTEL_EXPORTER_ZIPKIN_ENDPOINT: `${endpoint}/${name}`,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: String(Number(name.replace(/\D/g, '')) / 100),
    OTEL_BSP_SCHEDULE_DELAY: '100',
    // Nothing is dropped: what is measured is the cost of all spans.
    OTEL_BSP_MAX_QUEUE_SIZE: '20000',
  };
}
