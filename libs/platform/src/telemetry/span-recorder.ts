import { count, countBy } from './declare.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { type Attributes, Span, type SpanRecorder } from './span.ts';
import { createSpanQueue, type DropReason, dropReasons, type SpanExporter } from './span-queue.ts';
import type { TracingSettings } from './tracing-settings.ts';

export type RecorderOptions = {
  service: string;
  version: string;
  settings: TracingSettings;
  log: Logger;
  metrics: Metrics;
};

/** Milliseconds that a stop waits for a collector that does not answer. */
const closeWithin = 2_000;

/** Makes the recorder that the settings ask for; `undefined` if they ask for none. */
export async function createRecorder(options: RecorderOptions): Promise<SpanRecorder | undefined> {
  const { settings } = options;
  if (settings.OTEL_TRACES_EXPORTER === 'none' || settings.OTEL_SDK_DISABLED) return undefined;
  const queue = createSpanQueue(await createExporter(options), {
    size: settings.OTEL_BSP_MAX_QUEUE_SIZE,
    batch: Math.min(settings.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, settings.OTEL_BSP_MAX_QUEUE_SIZE),
    delay: settings.OTEL_BSP_SCHEDULE_DELAY,
    timeout: settings.OTEL_BSP_EXPORT_TIMEOUT,
    closeWithin,
    ...reporting(options),
  });
  return {
    start: (facts, place) => new Span(facts, place, queue.add),
    shutdown: () => queue.close(),
  };
}

/** Loads the exporter that is asked for and no other: that of OTLP takes longer than all the rest of a service. */
async function createExporter({ service, version, settings }: RecorderOptions): Promise<SpanExporter> {
  const name = settings.OTEL_SERVICE_NAME ?? service;
  const resource = { 'service.version': version, ...readAttributes(settings.OTEL_RESOURCE_ATTRIBUTES) };
  if (settings.OTEL_TRACES_EXPORTER === 'zipkin') {
    const { zipkinExporter } = await import('./zipkin-exporter.ts');
    return zipkinExporter(settings.OTEL_EXPORTER_ZIPKIN_ENDPOINT, name, resource);
  }
  const { otlpExporter } = await import('./otlp-exporter.ts');
  return otlpExporter(settings.OTEL_EXPORTER_OTLP_PROTOCOL, { 'service.name': name, ...resource });
}

/** Reads `OTEL_RESOURCE_ATTRIBUTES`: pairs as in W3C Baggage, percent-encoded. What is no such pair is left out. */
function readAttributes(text: string): Attributes {
  const attributes: Attributes = {};
  for (const [, name, value] of text.matchAll(/([^=,\s]+)=([^,]+)/g)) {
    if (name && value && !/%(?![0-9a-f]{2})/i.test(value))
      attributes[name] = decodeURIComponent(value.trim());
  }
  return attributes;
}

/** Counts the spans, and tells the log when a collector goes away and when it is back. */
function reporting({ log, metrics }: RecorderOptions) {
  const exported = count(metrics, {
    name: 'otel_spans_exported_total',
    help: 'Spans that the collector took',
  });
  const named = {
    name: 'otel_spans_dropped_total',
    help: 'Spans that were given up, so that nothing else suffers',
  };
  const dropped = countBy(metrics, named, 'reason', dropReasons);
  let lost = 0;
  return {
    onSent(count: number) {
      exported.inc(count);
      if (lost > 0) log.info({ component: 'tracing', lost }, 'spans are delivered again');
      lost = 0;
    },
    onDropped(count: number, reason: DropReason, error?: unknown) {
      dropped[reason].inc(count);
      if (lost === 0) log.warn({ component: 'tracing', reason, err: error }, 'spans are lost');
      lost += count;
    },
  };
}
