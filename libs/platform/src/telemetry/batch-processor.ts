import { ExportResultCode } from '@opentelemetry/core';
import { BatchSpanProcessor, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { count, countBy } from './declare.ts';
import type { TracingOptions } from './tracing-settings.ts';

const dropReasons = ['queue_full', 'export_failed'] as const;
type DropReason = (typeof dropReasons)[number];

/**
 * Creates the SDK's processor that exports spans in batches, and counts exported and dropped spans. The SDK itself does
 * not report spans that it drops because its queue is full.
 */
export function batchProcessor(exporter: SpanExporter, options: TracingOptions): SpanProcessor {
  const { settings } = options;
  const report = reporting(options);
  let waiting = 0;
  const counted: SpanExporter = {
    export(spans, done) {
      waiting -= spans.length;
      exporter.export(spans, (result) => {
        if (result.code === ExportResultCode.SUCCESS) report.exported(spans.length);
        else report.dropped(spans.length, 'export_failed', result.error);
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
  const batches = new BatchSpanProcessor({
    exporter: counted,
    maxQueueSize: settings.OTEL_BSP_MAX_QUEUE_SIZE,
    maxExportBatchSize: settings.OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    scheduledDelayMillis: settings.OTEL_BSP_SCHEDULE_DELAY,
    exportTimeoutMillis: settings.OTEL_BSP_EXPORT_TIMEOUT,
  });
  return {
    onStart: () => undefined,
    onEnd(span) {
      if (waiting >= settings.OTEL_BSP_MAX_QUEUE_SIZE) {
        report.dropped(1, 'queue_full');
        return;
      }
      waiting += 1;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
}

/** Counts spans, and logs when the service begins to drop spans and when it exports them again. */
function reporting({ log, metrics }: TracingOptions) {
  const exported = count(metrics, {
    name: 'otel_spans_exported_total',
    help: 'Spans that the collector accepted',
  });
  const named = {
    name: 'otel_spans_dropped_total',
    help: 'Spans dropped because the queue was full or an export failed',
  };
  const dropped = countBy(metrics, named, 'reason', dropReasons);
  let lost = 0;
  return {
    exported(spans: number) {
      exported.inc(spans);
      if (lost > 0) log.info({ component: 'tracing', lost }, 'spans are exported again');
      lost = 0;
    },
    dropped(spans: number, reason: DropReason, err?: Error) {
      dropped[reason].inc(spans);
      if (lost === 0) log.warn({ component: 'tracing', reason, err }, 'spans are being dropped');
      lost += spans;
    },
  };
}
