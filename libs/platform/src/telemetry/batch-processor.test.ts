import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { type ReadableSpan, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { platformSettings, readSettings } from '../service/settings.ts';
import { seriesValue } from '../testing/metrics.ts';
import { batchProcessor } from './batch-processor.ts';
import { createLogs } from './log.ts';
import { createMetrics } from './metrics.ts';

const limits = {
  OTEL_BSP_MAX_QUEUE_SIZE: '10',
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '4',
  OTEL_BSP_SCHEDULE_DELAY: '20',
};

/** An exporter whose exports end when they are told to. */
function heldExporter() {
  const sent: number[] = [];
  const ends: ((result: ExportResult) => void)[] = [];
  const exporter: SpanExporter = {
    export(spans: ReadableSpan[], done) {
      sent.push(spans.length);
      ends.push(done);
    },
    shutdown: async () => undefined,
  };
  return { exporter, sent, ends };
}

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function processorOf(exporter: SpanExporter, env: Record<string, string> = {}) {
  const lines: string[] = [];
  const { log } = createLogs('sample', 'info', { write: (line) => lines.push(line) });
  const metrics = createMetrics('sample', '1.0.0');
  const settings = readSettings(platformSettings, { ...limits, ...env });
  const options = { service: 'sample', version: '1.0.0', settings, log, metrics };
  const provider = new TracerProvider({ spanProcessors: [batchProcessor(exporter, options)] });
  const tracer = provider.getTracer('test');
  const add = (count: number) => {
    for (let n = 0; n < count; n += 1) tracer.startSpan('work').end();
  };
  const dropped = (reason: string) => seriesValue(metrics, 'otel_spans_dropped_total', { reason });
  const counts = async () => ({
    exported: await seriesValue(metrics, 'otel_spans_exported_total'),
    queue_full: await dropped('queue_full'),
    export_failed: await dropped('export_failed'),
  });
  const messages = () => lines.map((line) => JSON.parse(line).msg);
  return { add, counts, messages, close: () => provider.shutdown() };
}

const success: ExportResult = { code: ExportResultCode.SUCCESS };
const failure: ExportResult = { code: ExportResultCode.FAILED, error: new Error('no') };
const counted = { exported: 0, queue_full: 0, export_failed: 0 };

describe('spans on their way to a collector', () => {
  it('are sent in full batches at once, and the rest when it has waited', async () => {
    const { exporter, sent, ends } = heldExporter();
    const { add, counts } = processorOf(exporter);
    add(5);
    await vi.waitFor(() => expect(sent).toEqual([4]));
    ends[0]?.(success);
    await vi.waitFor(() => expect(sent).toEqual([4, 1]));
    ends[1]?.(success);
    expect(await counts()).toEqual({ ...counted, exported: 5 });
  });

  it('are dropped and counted when one batch is on its way and the queue is full', async () => {
    const { exporter, sent, ends } = heldExporter();
    const { add, counts } = processorOf(exporter);
    add(4);
    await vi.waitFor(() => expect(sent).toEqual([4]));
    add(13);
    expect(sent).toEqual([4]);
    expect(await counts()).toEqual({ ...counted, queue_full: 3 });
    ends[0]?.(success);
    await vi.waitFor(() => expect(sent).toEqual([4, 4]));
    add(4);
    expect(await counts()).toEqual({ ...counted, exported: 4, queue_full: 3 });
    add(1);
    expect(await counts()).toEqual({ ...counted, exported: 4, queue_full: 4 });
  });

  it('are given up when a batch fails, and the next batch follows', async () => {
    const { exporter, sent, ends } = heldExporter();
    const { add, counts } = processorOf(exporter);
    add(8);
    await vi.waitFor(() => expect(sent).toEqual([4]));
    ends[0]?.(failure);
    await vi.waitFor(() => expect(sent).toEqual([4, 4]));
    ends[1]?.(success);
    expect(await counts()).toEqual({ ...counted, exported: 4, export_failed: 4 });
  });

  it('are all sent by a stop', async () => {
    const { exporter, sent, ends } = heldExporter();
    const { add, counts, close } = processorOf(exporter, { OTEL_BSP_SCHEDULE_DELAY: '60000' });
    add(7);
    const closed = close();
    await vi.waitFor(() => expect(sent).toEqual([4, 3]));
    for (const end of ends) end(success);
    await closed;
    expect(await counts()).toEqual({ ...counted, exported: 7 });
  });

  it('are reported in the log once when they begin to be lost, and once when that is over', async () => {
    const { exporter, sent, ends } = heldExporter();
    const { add, messages } = processorOf(exporter);
    add(12);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    ends[0]?.(failure);
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    ends[1]?.(failure);
    await vi.waitFor(() => expect(sent).toHaveLength(3));
    expect(messages()).toEqual(['spans are being dropped']);
    ends[2]?.(success);
    expect(messages()).toEqual(['spans are being dropped', 'spans are exported again']);
  });
});
