import { startCollector } from './collector.ts';
import { compareCosts, costTable } from './compare.ts';
import { writeReport } from './report.ts';

/** The measured variants, with their names on the page. */
const variants = {
  bare: 'bare Fastify',
  server: '+ its server: ids, limits, logger (`http-server.ts`)',
  overload: '+ @fastify/under-pressure (`overload.ts`)',
  metric: '+ request context, time limit and metric (`observe.ts`)',
  spans10: '+ context, metric, spans at 10 %',
  spans100: '+ context, metric, spans at 100 %',
  line: '+ context, metric, log line',
  platformWithoutLine: 'whole platform, spans at 10 %, no log line',
  platform: 'whole platform, spans at 10 %, its log line',
};
type Variant = keyof typeof variants;

/** CPU per request of a small JSON GET: through the platform, and through each part of it, against bare Fastify. */
export async function requestCost(): Promise<void> {
  const collector = await startCollector();
  try {
    const measured = await compareCosts({
      server: new URL('./request-cost-server.ts', import.meta.url),
      variants: Object.keys(variants) as Variant[],
      env: () => ({ OTEL_EXPORTER_ZIPKIN_ENDPOINT: collector.endpoint, OTEL_BSP_SCHEDULE_DELAY: '100' }),
    });
    writeReport('request-cost', costTable(variants, measured));
  } finally {
    collector.close();
  }
}
